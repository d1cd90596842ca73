# Rotation and cleanup of one credentials set.
#
# One module for each credentials set keeps large plans fast. Terraform evaluates every instance of a resource for each
# instance of another one that refers to it. With for_each in both resources, the work grows with the square of their number.

terraform {
  required_version = ">= 1.5"

  required_providers {
    qoveryrotation = {
      source  = "qovery/qoveryrotation"
      version = "~> 0.1"
    }
  }
}

resource "qoveryrotation_aws_credentials" "this" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  iam_user_name     = var.iam_user_name
  rotation_triggers = var.rotation_triggers
  rotate_after_days = var.rotate_after_days
  rotate_on_create  = var.rotate_on_create
  rotate_registries = var.rotate_registries
  ignored_holders   = var.ignored_holders
  production_last   = var.production_last
  drain_window      = var.drain_window
  rotation_window   = var.rotation_window

  dynamic "timeouts" {
    for_each = var.rotation_timeout[*]

    content {
      create = timeouts.value
      update = timeouts.value
    }
  }
}

resource "qoveryrotation_aws_access_key_cleanup" "this" {
  organization_id           = qoveryrotation_aws_credentials.this.organization_id
  credentials_id            = qoveryrotation_aws_credentials.this.credentials_id
  iam_user_name             = qoveryrotation_aws_credentials.this.iam_user_name
  access_key_id             = qoveryrotation_aws_credentials.this.previous_access_key_id
  delete_after              = qoveryrotation_aws_credentials.this.drain_ends_at
  quarantine_window         = var.quarantine_window
  wait                      = var.wait
  hold                      = var.hold
  allow_recent_use          = var.allow_recent_use
  allow_running_deployments = var.allow_running_deployments
  ignored_holders           = var.cleanup_ignored_holders

  dynamic "timeouts" {
    for_each = var.cleanup_timeout[*]

    content {
      create = timeouts.value
      update = timeouts.value
    }
  }
}
