output "credentials" {
  description = "All attributes of the credentials resource, such as phase and access_key_id."
  value       = qoveryrotation_aws_credentials.this
}

output "cleanup" {
  description = "All attributes of the cleanup resource, such as status and next_action_at."
  value       = qoveryrotation_aws_access_key_cleanup.this
}
