import {
  to = qoveryrotation_aws_credentials.production
  identity = {
    organization_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    credentials_id  = "6ba7b810-9dad-41d1-80b4-00c04fd430c8"
  }
}
