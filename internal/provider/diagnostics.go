package provider

import (
	"errors"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// Summaries of diagnostics that package rotation knows nothing about. Each has an entry in the guide "When something goes
// wrong", like those of [rotation.Problem].
const (
	summaryConfiguration   = "Invalid configuration"
	summaryImportID        = "Invalid import id"
	summaryKeyStays        = "The access key stays valid"
	summaryKeyReplaced     = "The access key was replaced outside of this resource"
	summaryResumeSwallowed = "A change of rotation_triggers was covered by the resumed rotation"
	summaryNothingToRotate = "Nothing to rotate any more"
	summaryCutOffNow       = "Qovery's access key does not work"
	summaryRotationPlanned = "The access key will be replaced"
	summaryHoldersLeft     = "Other objects keep the previous access key"
	summaryKeyForgotten    = "An access key is no longer looked after"
)

// addError reports an error of package rotation, on the argument that it is about where there is one.
func addError(diags *diag.Diagnostics, err error) {
	problem := rotation.AsProblem(err)
	if problem.Argument == rotation.ArgumentNone {
		diags.AddError(problem.Summary, problem.Detail())
		return
	}
	diags.AddAttributeError(path.Root(string(problem.Argument)), problem.Summary, problem.Detail())
}

// isCredentialsNotFound tells whether Qovery itself says that the credentials are gone. Nothing else may remove a
// resource from the state: a token that lost its rights must not.
func isCredentialsNotFound(err error) bool {
	var problem *rotation.Problem
	return errors.As(err, &problem) && problem.Summary == rotation.SummaryCredentialsNotFound
}
