terraform {
  required_providers {
    qoveryrotation = {
      source  = "qovery/qoveryrotation"
      version = "~> 0.1"
    }
  }
}

output "policy" {
  value = provider::qoveryrotation::iam_policy("arn:aws:iam::123456789012:user/qovery")
}
