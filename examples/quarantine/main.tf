# The replaced key is made Inactive first, and deleted a week later. Somebody who still needs it notices, and can make it
# Active again in IAM.
#
# Run "terraform apply" on a schedule. The first apply after the drain window deactivates the key. The first apply after the
# quarantine deletes it.

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

variable "quarantine_window" {
  description = "How long the old access key is Inactive before it is deleted, such as 168h."
  type        = string
  default     = "168h"
}

provider "qoveryrotation" {}

resource "time_rotating" "quarterly" {
  rotation_days = 90
}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  rotation_triggers = { schedule = time_rotating.quarterly.id }
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id   = qoveryrotation_aws_credentials.production.organization_id
  credentials_id    = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name     = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id     = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after      = qoveryrotation_aws_credentials.production.drain_ends_at
  quarantine_window = var.quarantine_window
}
