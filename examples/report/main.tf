# An inventory of the static AWS access keys of an organization, as JSON: terraform apply && terraform output -json report

terraform {
  required_version = ">= 1.5"

  required_providers {
    qoveryrotation = {
      source  = "qovery/qoveryrotation"
      version = "~> 0.1"
    }
  }
}

variable "organization_id" {
  description = "UUID of the Qovery organization."
  type        = string
}

provider "qoveryrotation" {}

data "qoveryrotation_aws_credentials_list" "all" {
  organization_id = var.organization_id
}

data "qoveryrotation_aws_credentials" "all" {
  for_each = { for set in data.qoveryrotation_aws_credentials_list.all.credentials : set.id => set if length(set.cluster_ids) > 0 }

  organization_id = var.organization_id
  credentials_id  = each.key
}

output "report" {
  description = "The credentials that clusters use, by name."
  value = {
    for set in data.qoveryrotation_aws_credentials.all : set.name => {
      iam_user   = set.iam_user_name
      access_key = set.access_key_id
      status     = set.access_key_status
      created_at = set.access_key_created_at
      age_days   = set.access_key_age_days
      last_use   = set.access_key_last_used_at == null ? "never" : "${set.access_key_last_used_at}, ${set.access_key_last_used_service} in ${set.access_key_last_used_region}"
      clusters   = [for cluster in set.clusters : "${cluster.name} in ${cluster.region} is ${cluster.status}"]
      holders    = [for holder in set.holders : "${holder.kind} ${holder.name}"]
      other_access_keys = {
        for key in set.other_access_keys : key.id => {
          status     = key.status
          created_at = key.created_at
          age_days   = key.age_days
          last_use   = key.last_used_at == null ? "never" : "${key.last_used_at}, ${key.last_used_service} in ${key.last_used_region}"
        }
      }
    }
  }
}

output "without_clusters" {
  description = "Ids of the credentials that no cluster uses."
  value       = setsubtract(data.qoveryrotation_aws_credentials_list.all.ids, keys(data.qoveryrotation_aws_credentials.all))
}
