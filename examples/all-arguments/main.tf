# Every argument of both resources, with its default or another useful value, and outputs that show the progress of a rotation.
# Usually, the few arguments of the example "single" are enough.

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

variable "ignored_holders" {
  description = "UUIDs of Qovery objects that may keep the old key, such as unused registries."
  type        = set(string)
  default     = []
}

provider "qoveryrotation" {
  poll_interval        = "10s"
  minimum_drain_window = "2h"
  last_use_delay       = "20m"
  verify_services      = true

  # Access keys that leaked. See the example "leaked-key".
  compromised_access_key_ids = []

  aws = {
    max_retries         = 10
    allowed_account_ids = ["123456789012"]
  }
}

resource "time_rotating" "quarterly" {
  rotation_days = 90
}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  iam_user_name     = "qovery"
  rotation_triggers = { schedule = time_rotating.quarterly.id }
  rotate_after_days = 100 # even if the schedule does not change
  rotation_window   = { days = ["sat", "sun"], from = "08:00", to = "15:00" }
  rotate_on_create  = true
  rotate_registries = true
  ignored_holders   = var.ignored_holders
  production_last   = true
  drain_window      = "3h"

  timeouts {
    create = "4h"
    update = "4h"
  }
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id   = qoveryrotation_aws_credentials.production.organization_id
  credentials_id    = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name     = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id     = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after      = qoveryrotation_aws_credentials.production.drain_ends_at
  quarantine_window = "24h"
  hold              = false # true keeps the key, and makes an Inactive one Active again
  wait              = false
  allow_recent_use  = false
  ignored_holders   = var.ignored_holders

  allow_running_deployments = false

  timeouts {
    create = "3h"
    update = "3h"
  }
}

output "rotation" {
  value = {
    phase           = qoveryrotation_aws_credentials.production.phase
    iam_user_arn    = qoveryrotation_aws_credentials.production.iam_user_arn
    access_key_id   = qoveryrotation_aws_credentials.production.access_key_id
    created_at      = qoveryrotation_aws_credentials.production.access_key_created_at
    rotated_at      = qoveryrotation_aws_credentials.production.rotated_at
    deployed_at     = qoveryrotation_aws_credentials.production.deployed_at
    rotation_due    = qoveryrotation_aws_credentials.production.rotation_due
    rotation_due_at = qoveryrotation_aws_credentials.production.rotation_due_at
    clusters        = qoveryrotation_aws_credentials.production.cluster_ids
    holders         = [for holder in qoveryrotation_aws_credentials.production.holders : "${holder.kind} ${holder.name}"]
  }
}

output "cleanup" {
  value = {
    status         = qoveryrotation_aws_access_key_cleanup.production.status
    iam_user_arn   = qoveryrotation_aws_access_key_cleanup.production.iam_user_arn
    deactivated_at = qoveryrotation_aws_access_key_cleanup.production.deactivated_at
    deleted_at     = qoveryrotation_aws_access_key_cleanup.production.deleted_at
    next_action_at = qoveryrotation_aws_access_key_cleanup.production.next_action_at
  }
}
