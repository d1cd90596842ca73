terraform {
  required_version = ">= 1.5"

  required_providers {
    qoveryrotation = {
      source  = "qovery/qoveryrotation"
      version = ">= 0.1.0"
    }
  }
}

# The token comes from QOVERY_API_TOKEN, and the AWS credentials from the usual chain: environment variables, shared
# files, IAM Identity Center, web identity, or the role of a container or instance. They must not be the access key
# that is rotated.
provider "qoveryrotation" {}
