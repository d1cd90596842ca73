# A rotation for the day on which a key leaks. The existing key is adopted, and not rotated on a schedule. To replace it, list
# it as compromised:
#
#   terraform apply -var 'compromised_access_key_ids=["AKIAIOSFODNN7EXAMPLE"]'
#
# This apply replaces the key, makes it Inactive before it deploys any cluster, and deletes it.

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

variable "credentials_id" {
  description = "UUID of the AWS credentials in Qovery."
  type        = string
}

variable "compromised_access_key_ids" {
  description = "Access keys that leaked."
  type        = set(string)
  default     = []
}

provider "qoveryrotation" {
  compromised_access_key_ids = var.compromised_access_key_ids
}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id  = var.organization_id
  credentials_id   = var.credentials_id
  rotate_on_create = false
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
}
