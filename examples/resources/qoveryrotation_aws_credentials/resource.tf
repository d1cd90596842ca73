resource "time_rotating" "quarterly" {
  rotation_days = 90
}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
  credentials_id    = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
  rotation_triggers = { schedule = time_rotating.quarterly.id }
}
