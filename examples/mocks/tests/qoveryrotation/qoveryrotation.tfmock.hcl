# Credentials some hours after a rotation, whose previous key is not deleted yet. Without these values, Terraform generates random
# strings, which the provider refuses as times or access key IDs. Lists of objects, such as holders, are empty, because Terraform
# mocks only their elements.

mock_resource "qoveryrotation_aws_credentials" {
  defaults = {
    id                     = "3f2504e0-4f89-41d3-9a0c-0305e82c3301/6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    iam_user_name          = "qovery"
    iam_user_arn           = "arn:aws:iam::123456789012:user/qovery"
    access_key_id          = "AKIAI44QH8DHBEXAMPLE"
    access_key_created_at  = "2027-01-04T09:00:00Z"
    previous_access_key_id = "AKIAIOSFODNN7EXAMPLE"
    rotated_at             = "2027-01-04T09:00:14Z"
    deployed_at            = "2027-01-04T09:05:12Z"
    drain_ends_at          = "2027-01-04T11:05:12Z"
    rotation_due           = false
    rotation_due_at        = "2027-04-04T09:00:00Z"
    phase                  = "drained"
    cluster_ids            = ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]
  }
}

mock_resource "qoveryrotation_aws_access_key_cleanup" {
  defaults = {
    id             = "3f2504e0-4f89-41d3-9a0c-0305e82c3301/6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    iam_user_arn   = "arn:aws:iam::123456789012:user/qovery"
    status         = "quarantined"
    deactivated_at = "2027-01-05T09:00:00Z"
    deleted_at     = null
    next_action_at = "2027-01-12T09:00:00Z"
  }
}

mock_data "qoveryrotation_aws_credentials" {
  defaults = {
    id                           = "3f2504e0-4f89-41d3-9a0c-0305e82c3301/6ba7b810-9dad-41d1-80b4-00c04fd430c8"
    name                         = "production"
    type                         = "AWS"
    iam_user_name                = "qovery"
    access_key_id                = "AKIAI44QH8DHBEXAMPLE"
    access_key_status            = "Active"
    access_key_created_at        = "2027-01-04T09:00:00Z"
    access_key_age_days          = 12
    access_key_last_used_at      = "2027-01-16T08:30:00Z"
    access_key_last_used_service = "ecr"
    access_key_last_used_region  = "eu-west-3"
  }
}

mock_data "qoveryrotation_aws_credentials_list" {
  defaults = {
    id  = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    ids = ["6ba7b810-9dad-41d1-80b4-00c04fd430c8"]
  }
}
