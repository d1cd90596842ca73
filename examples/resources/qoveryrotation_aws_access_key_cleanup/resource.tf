resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
  credentials_id    = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
  rotate_after_days = 90
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
}
