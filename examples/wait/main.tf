# Rotation and cleanup in one apply, for a pipeline that is started by hand. The apply takes as long as the deployments and
# the drain window together. If it is interrupted, the next apply resumes.

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

variable "rotation" {
  description = "Name of the rotation, such as the date. Another name rotates the key."
  type        = string
}

provider "qoveryrotation" {}

resource "qoveryrotation_aws_credentials" "production" {
  organization_id   = var.organization_id
  credentials_id    = var.credentials_id
  rotation_triggers = { rotation = var.rotation }
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
  wait            = true

  timeouts {
    create = "4h"
    update = "4h"
  }
}
