package provider

import (
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// Summaries of diagnostics that package rotation does not have. Each has an entry in the guide "Troubleshooting", like those of
// [rotation.Problem].
const (
	summaryConfiguration   = "Invalid configuration"
	summaryImportID        = "Invalid import id"
	summaryKeyStays        = "Access key stays valid"
	summaryResumeSwallowed = "Resumed rotation covers the change of rotation_triggers"
	summaryNothingToRotate = "Nothing to rotate"
	summaryRotationWaits   = "Rotation waits for rotation_window"
	summaryWaitsForHold    = "Rotation waits for a held access key"
	summaryRotationPlanned = "Access key will be replaced"
	summaryHoldersLeft     = "Other objects keep the previous access key"
	summaryState           = "Private state cannot be read"
	summaryKeyForgotten    = "Cleanup no longer tracks an existing access key"
)

// warnTo returns a function that adds a problem to the diagnostics as a warning.
func warnTo(diags *diag.Diagnostics) func(*rotation.Problem) {
	return func(problem *rotation.Problem) { addWarning(diags, problem) }
}

// addWarning adds a warning, at the problem's argument if it has one.
func addWarning(diags *diag.Diagnostics, problem *rotation.Problem) {
	if problem.Argument == rotation.ArgumentNone {
		diags.AddWarning(problem.Summary, problem.Detail())
		return
	}
	diags.AddAttributeWarning(path.Root(string(problem.Argument)), problem.Summary, problem.Detail())
}

// addError adds an error, at the problem's argument if it has one.
func addError(diags *diag.Diagnostics, err error) {
	problem := rotation.AsProblem(err)
	if problem.Argument == rotation.ArgumentNone {
		diags.AddError(problem.Summary, problem.Detail())
		return
	}
	addErrorAt(diags, path.Root(string(problem.Argument)), problem)
}

// addErrorAt adds an error at any argument, also at one of a nested block.
func addErrorAt(diags *diag.Diagnostics, at path.Path, problem *rotation.Problem) {
	diags.AddAttributeError(at, problem.Summary, problem.Detail())
}
