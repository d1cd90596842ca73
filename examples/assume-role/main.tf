# The provider assumes a role for its own requests to AWS. The credentials that assume the role come from the environment or
# the shared files. They must not be the access key that is rotated.

terraform {
  required_version = ">= 1.5"

  required_providers {
    qoveryrotation = {
      source  = "qovery/qoveryrotation"
      version = "~> 0.1"
    }
    time = {
      source  = "hashicorp/time"
      version = ">= 0.9.0"
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

variable "role_arn" {
  description = "ARN of the role that may rotate the access key."
  type        = string
}

variable "external_id" {
  description = "External id that the role's trust policy requires, if any."
  type        = string
  default     = null
}

provider "qoveryrotation" {
  aws = {
    region = "eu-west-3"

    # The management account. With credentials of this account, nothing is read or changed.
    forbidden_account_ids = ["210987654321"]

    assume_role = {
      role_arn     = var.role_arn
      external_id  = var.external_id
      session_name = "qovery-key-rotation"
    }
  }
}

resource "time_rotating" "quarterly" {
  rotation_days = 90
}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  rotation_triggers = { schedule = time_rotating.quarterly.id }
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
}
