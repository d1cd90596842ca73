data "qoveryrotation_aws_credentials_list" "all" {
  organization_id = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
}

output "access_key_ids" {
  value = { for set in data.qoveryrotation_aws_credentials_list.all.credentials : set.name => set.access_key_id }
}
