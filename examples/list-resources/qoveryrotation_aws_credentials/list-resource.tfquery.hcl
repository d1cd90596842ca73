# The credentials of one cluster whose access key is 90 days old or older.
list "qoveryrotation_aws_credentials" "old" {
  provider         = qoveryrotation
  include_resource = true

  config {
    organization_id  = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    cluster_ids      = ["7c9e6679-7425-40de-944b-e07fc1f90ae7"]
    minimum_age_days = 90
  }
}
