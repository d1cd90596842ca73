data "qoveryrotation_aws_credentials" "production" {
  organization_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
  credentials_id  = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
}

check "access_key_age" {
  assert {
    condition     = data.qoveryrotation_aws_credentials.production.access_key_age_days <= 92
    error_message = "Qovery's access key is ${data.qoveryrotation_aws_credentials.production.access_key_age_days} days old."
  }
}
