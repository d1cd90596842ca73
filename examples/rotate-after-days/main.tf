# Rotation by the age of the access key in IAM, and not by a schedule in Terraform. A key that somebody replaced by hand is
# not rotated too early.
#
# The first apply adopts the existing key. Run "terraform apply" on a schedule.

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

variable "maximum_age_days" {
  description = "Age in days at which the access key is rotated."
  type        = number
  default     = 90
}

provider "qoveryrotation" {}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  rotate_after_days = var.maximum_age_days
  rotate_on_create  = false
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
}
