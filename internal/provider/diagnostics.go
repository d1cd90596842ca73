package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// Summaries of diagnostics that package rotation knows nothing about. Each has an entry in the guide "Troubleshooting", like
// those of [rotation.Problem].
const (
	summaryConfiguration   = "Invalid configuration"
	summaryImportID        = "Invalid import id"
	summaryKeyStays        = "Access key stays valid"
	summaryResumeSwallowed = "Resumed rotation covers the change of rotation_triggers"
	summaryNothingToRotate = "Nothing to rotate"
	summaryRotationWaits   = "Rotation waits for rotation_window"
	summaryRotationPlanned = "Access key will be replaced"
	summaryHoldersLeft     = "Other objects keep the previous access key"
	summaryState           = "Private state cannot be read"
	summaryKeyForgotten    = "Cleanup no longer tracks an existing access key"
)

// warnTo adds what a person should know to the diagnostics.
func warnTo(diags *diag.Diagnostics) func(*rotation.Problem) {
	return func(problem *rotation.Problem) { addWarning(diags, problem) }
}

// addWarning reports a problem that stops nothing, on the argument that it is about where there is one.
func addWarning(diags *diag.Diagnostics, problem *rotation.Problem) {
	if problem.Argument == rotation.ArgumentNone {
		diags.AddWarning(problem.Summary, problem.Detail())
		return
	}
	diags.AddAttributeWarning(path.Root(string(problem.Argument)), problem.Summary, problem.Detail())
}

// addError reports an error of package rotation, on the argument that it is about where there is one.
func addError(diags *diag.Diagnostics, err error) {
	problem := rotation.AsProblem(err)
	if problem.Argument == rotation.ArgumentNone {
		diags.AddError(problem.Summary, problem.Detail())
		return
	}
	addErrorAt(diags, path.Root(string(problem.Argument)), problem)
}

// addErrorAt reports a problem on any argument, of a nested block too.
func addErrorAt(diags *diag.Diagnostics, at path.Path, problem *rotation.Problem) {
	diags.AddAttributeError(at, problem.Summary, problem.Detail())
}
