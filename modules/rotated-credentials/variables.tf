# The arguments of both resources. A null value selects the default of the resource.

variable "organization_id" {
  description = "UUID of the Qovery organization."
  type        = string
}

variable "credentials_id" {
  description = "UUID of the static AWS credentials."
  type        = string
}

variable "iam_user_name" {
  description = "Name of the IAM user that owns the access key. Read from AWS by default."
  type        = string
  default     = null
}

variable "rotation_triggers" {
  description = "Values whose change rotates the access key."
  type        = map(string)
  default     = null
}

variable "rotate_after_days" {
  description = "Age in days at which the access key is rotated."
  type        = number
  default     = null
}

variable "rotation_window" {
  description = "When rotations may begin, in UTC."
  type        = object({ days = optional(set(string)), from = string, to = string })
  default     = null
}

variable "rotate_on_create" {
  description = "Whether the first apply rotates the access key. false adopts the key that is there."
  type        = bool
  default     = null
}

variable "rotate_registries" {
  description = "Whether registries and other holders of the key get the new key too."
  type        = bool
  default     = null
}

variable "ignored_holders" {
  description = "UUIDs of Qovery objects that a rotation leaves with their key."
  type        = set(string)
  default     = null
}

variable "production_last" {
  description = "Whether production clusters are deployed after all others have succeeded."
  type        = bool
  default     = null
}

variable "drain_window" {
  description = "Time from the end of the last cluster deployment to the moment when the previous key may be deleted."
  type        = string
  default     = null
}

variable "rotation_timeout" {
  description = "Maximum duration of a rotation, most of which is the deployment of the clusters."
  type        = string
  default     = null
}

variable "quarantine_window" {
  description = "Time in which the previous key is Inactive before it is deleted."
  type        = string
  default     = null
}

variable "hold" {
  description = "Whether the replaced key is kept, whatever is due. An Inactive one is made Active again."
  type        = bool
  default     = null
}

variable "wait" {
  description = "Whether an apply waits until the previous key is retired."
  type        = bool
  default     = null
}

variable "allow_recent_use" {
  description = "Whether the previous key is retired although it was used after its drain window."
  type        = bool
  default     = null
}

variable "allow_running_deployments" {
  description = "Whether the previous key is retired although a deployment that may use it still runs."
  type        = bool
  default     = null
}

variable "cleanup_ignored_holders" {
  description = "UUIDs of Qovery objects that may store the previous key when it is deleted. They lose access."
  type        = set(string)
  default     = null
}

variable "cleanup_timeout" {
  description = "Maximum duration of a cleanup that waits."
  type        = string
  default     = null
}
