# Every static AWS credentials set of an organization, each rotated by the age of its own access key. The next apply includes
# credentials that are added in Qovery.
#
# The first apply adopts the existing keys. Later applies rotate keys that are too old.

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

variable "compromised_access_key_ids" {
  description = "Access keys that leaked. They are replaced by the next apply, whatever their age."
  type        = set(string)
  default     = []
}

provider "qoveryrotation" {
  compromised_access_key_ids = var.compromised_access_key_ids
}

data "qoveryrotation_aws_credentials_list" "all" {
  organization_id = var.organization_id
}

# Outside this repository, the source is
# git::https://github.com/qovery/terraform-provider-qoveryrotation//modules/rotated-credentials?ref=v0.1.0
module "credentials" {
  source   = "../../modules/rotated-credentials"
  for_each = data.qoveryrotation_aws_credentials_list.all.ids

  organization_id   = var.organization_id
  credentials_id    = each.value
  rotate_after_days = var.maximum_age_days
  rotate_on_create  = false
}
