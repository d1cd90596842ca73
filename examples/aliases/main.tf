# Two organizations in one configuration. Each has its own provider configuration, because it has its own Qovery API token and
# its own AWS account.

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

variable "production" {
  description = "The production organization in Qovery, its AWS credentials there, and the role that may rotate their access key."
  type = object({
    organization_id = string
    credentials_id  = string
    role_arn        = string
  })
}

variable "production_api_token" {
  description = "API token of the production organization."
  type        = string
  sensitive   = true
}

variable "staging" {
  description = "The staging organization in Qovery, its AWS credentials there, and the role that may rotate their access key."
  type = object({
    organization_id = string
    credentials_id  = string
    role_arn        = string
  })
}

variable "staging_api_token" {
  description = "API token of the staging organization."
  type        = string
  sensitive   = true
}

provider "qoveryrotation" {
  alias     = "production"
  api_token = var.production_api_token

  aws = {
    assume_role = { role_arn = var.production.role_arn }
  }
}

# Deployments in staging are short, so the old key can be deleted earlier.
provider "qoveryrotation" {
  alias                = "staging"
  api_token            = var.staging_api_token
  minimum_drain_window = "30m"

  aws = {
    assume_role = { role_arn = var.staging.role_arn }
  }
}

resource "time_rotating" "quarterly" {
  rotation_days = 90
}

resource "qoveryrotation_aws_credentials" "production" {
  provider = qoveryrotation.production

  organization_id   = var.production.organization_id
  credentials_id    = var.production.credentials_id
  rotation_triggers = { schedule = time_rotating.quarterly.id }
}

resource "qoveryrotation_aws_access_key_cleanup" "production" {
  provider = qoveryrotation.production

  organization_id = qoveryrotation_aws_credentials.production.organization_id
  credentials_id  = qoveryrotation_aws_credentials.production.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.production.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.production.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.production.drain_ends_at
}

resource "qoveryrotation_aws_credentials" "staging" {
  provider = qoveryrotation.staging

  organization_id   = var.staging.organization_id
  credentials_id    = var.staging.credentials_id
  rotation_triggers = { schedule = time_rotating.quarterly.id }
  drain_window      = "30m"
}

resource "qoveryrotation_aws_access_key_cleanup" "staging" {
  provider = qoveryrotation.staging

  organization_id = qoveryrotation_aws_credentials.staging.organization_id
  credentials_id  = qoveryrotation_aws_credentials.staging.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.staging.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.staging.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.staging.drain_ends_at
}
