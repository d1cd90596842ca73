# A module with a test that needs no account. tests/rotation.tftest.hcl runs it with the mocked provider of
# tests/qoveryrotation/qoveryrotation.tfmock.hcl. This requires Terraform 1.7 or newer.

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
  description = "Age in days at which an access key is rotated."
  type        = number
  default     = 90
}

data "qoveryrotation_aws_credentials_list" "all" {
  organization_id = var.organization_id
}

data "qoveryrotation_aws_credentials" "all" {
  for_each = data.qoveryrotation_aws_credentials_list.all.ids

  organization_id = var.organization_id
  credentials_id  = each.value
}

resource "qoveryrotation_aws_credentials" "all" {
  for_each = data.qoveryrotation_aws_credentials_list.all.ids

  organization_id   = var.organization_id
  credentials_id    = each.value
  rotate_after_days = var.maximum_age_days
  rotate_on_create  = false
}

resource "qoveryrotation_aws_access_key_cleanup" "all" {
  for_each = qoveryrotation_aws_credentials.all

  organization_id   = each.value.organization_id
  credentials_id    = each.value.credentials_id
  iam_user_name     = each.value.iam_user_name
  access_key_id     = each.value.previous_access_key_id
  delete_after      = each.value.drain_ends_at
  quarantine_window = "168h"
}

output "report" {
  description = "Age of the access key by the name of the credentials, and when the previous key may be deleted."

  value = {
    for id, set in data.qoveryrotation_aws_credentials.all : set.name => {
      age_days     = set.access_key_age_days
      delete_after = qoveryrotation_aws_access_key_cleanup.all[id].delete_after
    }
  }
}
