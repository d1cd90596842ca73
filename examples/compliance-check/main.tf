# A read-only report on all static AWS credentials of an organization. Every plan and apply warns about access keys that are
# too old, that were replaced and not deleted, or that do not work.

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

variable "maximum_age_days" {
  description = "Age in days that no access key may exceed. It leaves a daily run that rotates after 90 days two days."
  type        = number
  default     = 92
}

variable "cleanup_days" {
  description = "Days after a rotation by which the old access key must be deleted."
  type        = number
  default     = 1
}

provider "qoveryrotation" {}

data "qoveryrotation_aws_credentials_list" "all" {
  organization_id = var.organization_id
}

data "qoveryrotation_aws_credentials" "all" {
  for_each = data.qoveryrotation_aws_credentials_list.all.ids

  organization_id = var.organization_id
  credentials_id  = each.value
}

locals {
  # Keys that AWS does not find have no age. They are reported as not working.
  known = [for set in data.qoveryrotation_aws_credentials.all : set if set.access_key_age_days != null]

  too_old     = [for set in local.known : "${set.name} (${set.access_key_age_days} days)" if set.access_key_age_days > var.maximum_age_days]
  not_working = [for set in data.qoveryrotation_aws_credentials.all : set.name if set.access_key_status != "Active"]
  overdue = flatten([
    for set in local.known : [for key in set.other_access_keys : "${key.id} of ${set.iam_user_name}"]
    if set.access_key_age_days >= var.cleanup_days
  ])
}

check "age" {
  assert {
    condition     = length(local.too_old) == 0
    error_message = "Access keys older than ${var.maximum_age_days} days: ${join(", ", local.too_old)}."
  }
}

check "cleanup" {
  assert {
    condition     = length(local.overdue) == 0
    error_message = "Access keys beside the one that Qovery holds: ${join(", ", distinct(local.overdue))}."
  }
}

check "status" {
  assert {
    condition     = length(local.not_working) == 0
    error_message = "Credentials whose access key does not exist or is Inactive: ${join(", ", local.not_working)}."
  }
}
