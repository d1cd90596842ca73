// Package terraform is used by tests of Terraform only. It is here so that "go mod tidy" finds it.
package terraform
