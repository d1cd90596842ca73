package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Argument is the name of a resource's argument that a [Problem] is about.
type Argument string

// The arguments that problems are about, by the names that users write.
const (
	ArgumentNone           Argument = ""
	ArgumentOrganizationID Argument = "organization_id"
	ArgumentCredentialsID  Argument = "credentials_id"
	ArgumentIAMUserName    Argument = "iam_user_name"
	ArgumentAccessKeyID    Argument = "access_key_id"
	ArgumentTriggers       Argument = "rotation_triggers"
	ArgumentIgnoredHolders Argument = "ignored_holders"
)

// Problem is an error or a warning for users: what failed, why, the state of AWS and Qovery, and what to do.
type Problem struct {
	// Summary is what failed: one of the Summary constants.
	Summary string
	// Cause is why it failed.
	Cause string
	// World is the state of AWS and Qovery.
	World string
	// Advice is what to do.
	Advice string
	// Argument is the argument that the problem is about, if any.
	Argument Argument
	// Err is the original error, if any.
	Err error
}

// The summaries also identify the problems. Each has an entry in the guide "Troubleshooting".
const (
	SummaryAPI                  = "Request to AWS or Qovery failed"
	SummaryUnauthenticated      = "Provider's credentials are not accepted"
	SummaryForbidden            = "Permission denied"
	SummaryOrganizationNotFound = "Organization not found in Qovery"
	SummaryCredentialsNotFound  = "Credentials not found in Qovery"
	SummaryNotStatic            = "Credentials have no access key"
	SummaryWrongUser            = "Access key belongs to another IAM user"
	SummaryWrongAccount         = "Access key is not in the provider's AWS account"
	SummaryUserNotFound         = "IAM user not found"
	SummaryCutOff               = "Qovery's access key does not work"
	SummarySignsWithKey         = "Provider authenticates with the key to be rotated"
	SummaryForeignKey           = "IAM user has a second access key"
	SummaryStillDraining        = "Previous access key is still in its drain window"
	SummaryClusterLocked        = "Cluster is locked"
	SummaryClusterState         = "Cluster cannot be deployed in its current state"
	SummaryRestricted           = "Qovery does not deploy for this organization"
	SummaryOtherRotation        = "Another rotation is in progress"
	SummaryForeignJournal       = "Journal on the IAM user cannot be read"
	SummaryKeyChanged           = "Access key changed since the plan"
	SummaryPutBack              = "Previous access key was put back in Qovery"
	SummaryKeyReplaced          = "Access key was replaced outside of this resource"
	SummaryIgnoredRegistry      = "Container registry of a cluster cannot be ignored"
	SummaryUnrotatableHolder    = "Access key is stored where it cannot be replaced"
	SummaryTooFewRequests       = "Rate limit of Qovery's API leaves too few requests"
	SummaryRights               = "Permissions for the rotation are missing"
	SummaryCreateKey            = "Access key could not be created"
	SummaryJournal              = "Journal could not be written"
	SummaryVerification         = "New access key does not work"
	SummaryRefused              = "Qovery refused the new access key"
	SummaryCutoverUnclear       = "Qovery did not confirm the new access key"
	SummaryHolderNotUpdated     = "Holder still has the previous access key"
	SummaryRepairWaits          = "Repair waits for a deployment to end"
	SummaryStillDeploying       = "Deployment may still use the access key"
	SummaryDeployment           = "Cluster could not be deployed"
	SummaryInterrupted          = "Rotation was interrupted"
	SummaryTimeout              = "Rotation timed out"
	SummaryKeyInUse             = "Access key is still in use"
	SummaryNotReplaced          = "Access key has no working successor"
	SummaryInvalidCredentials   = "Cluster has invalid credentials"
	SummaryHeld                 = "Access key is held"
	SummaryRetire               = "Access key could not be retired"
	SummaryCompromisedStopped   = "Compromised access key was deactivated"
	SummaryCompromisedActive    = "Compromised access key is still Active"
	SummaryWillBeDeleted        = "Access key will be deleted"
	SummaryWillBeDeactivated    = "Access key will be deactivated"
	SummaryWillBeActivated      = "Access key will be activated"
	SummaryDeleted              = "Access key was deleted"
	SummaryDeactivated          = "Access key was deactivated"
	SummaryActivated            = "Access key was activated"
	SummaryRetireTimeout        = "Cleanup timed out"
	SummaryRetireInterrupted    = "Cleanup was interrupted"
)

// Error implements error. It returns the summary and the detail.
func (p *Problem) Error() string { return p.Summary + ": " + p.Detail() }

// Unwrap returns the original error.
func (p *Problem) Unwrap() error { return p.Err }

// IsProblem reports whether an error is a problem with a summary.
func IsProblem(err error, summary string) bool {
	problem, ok := errors.AsType[*Problem](err)
	return ok && problem.Summary == summary
}

// IsEndOfTime reports whether a job stopped because it was canceled or timed out.
func IsEndOfTime(err error) bool {
	problem, ok := errors.AsType[*Problem](err)
	if !ok {
		return false
	}
	switch problem.Summary {
	case SummaryInterrupted, SummaryTimeout, SummaryRetireInterrupted, SummaryRetireTimeout:
		return true
	default:
		return false
	}
}

// IsCheck reports whether the problem is a fact that was found, and not a request that failed or was interrupted.
func (p *Problem) IsCheck() bool {
	switch p.Summary {
	case SummaryAPI, SummaryUnauthenticated, SummaryForbidden, SummaryRetire:
		return false
	default:
		return !IsEndOfTime(p)
	}
}

// Detail is everything except the summary, in paragraphs.
func (p *Problem) Detail() string {
	var paragraphs []string
	for _, part := range []struct{ heading, text string }{
		{"", p.Cause},
		{"State of AWS and Qovery: ", p.World},
		{"What to do: ", p.Advice},
	} {
		if part.text != "" {
			paragraphs = append(paragraphs, part.heading+part.text)
		}
	}
	if err := withoutEnds(p.Err); err != nil {
		paragraphs = append(paragraphs, fmt.Sprintf("Original error: %s", err))
	}
	return strings.Join(paragraphs, "\n\n")
}

// withoutEnds returns an error without those that only repeat a cause, such as the end of a context. It returns nil if nothing
// is left.
func withoutEnds(err error) error {
	if slices.Contains([]error{nil, context.Canceled, context.DeadlineExceeded, errKeyLost}, err) {
		return nil
	}
	joined, ok := any(err).(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var rest []error
	for _, one := range joined.Unwrap() {
		rest = append(rest, withoutEnds(one))
	}
	return errors.Join(rest...)
}

const (
	// WorldUntouched is the state after a refusal.
	WorldUntouched = "Nothing was changed."
	// WorldPlanned is the state while a plan with changes is shown.
	WorldPlanned = "Nothing is changed before the apply."
	adviceRetry  = "Run Terraform again."
)

// endOfTime explains an error of a step that a context ended: the whole rotation's, or the limited one of the steps before the
// cutover. It leaves every other error as it is, and a [Problem] unless the whole rotation ended.
func endOfTime(ctx, limited context.Context, err error) error {
	problem, told := errors.AsType[*Problem](err)
	switch {
	case limited.Err() == nil || !errors.Is(err, limited.Err()) || told && ctx.Err() == nil:
		return err
	case told:
		ended := stopped(ctx.Err(), problem.World)
		ended.Err = problem.Err
		return ended
	}
	ended := stopped(limited.Err(), WorldUntouched)
	ended.Err = err
	if ctx.Err() == nil {
		ended.Cause = fmt.Sprintf("The steps before the cutover timed out after %s.", preCutoverLimit)
	}
	return ended
}

// stopped is the problem of a job that an error stopped.
func stopped(err error, world string) *Problem {
	problem := &Problem{World: world, Advice: adviceAfter(err), Err: err}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		problem.Summary, problem.Cause = SummaryTimeout, "The operation timed out."
	case errors.Is(err, context.Canceled):
		problem.Summary, problem.Cause = SummaryInterrupted, "The run was canceled."
	case errors.Is(err, ErrUnauthenticated) && apiOf(err) == "Qovery":
		problem.Summary, problem.Cause = SummaryUnauthenticated, "Qovery answered 401: the API token is not valid, or its policy does not permit the request."
	case errors.Is(err, ErrUnauthenticated):
		problem.Summary, problem.Cause = SummaryUnauthenticated, apiOf(err)+" does not accept the provider's credentials."
	case errors.Is(err, ErrForbidden) && apiOf(err) == "Qovery":
		problem.Summary, problem.Cause = SummaryForbidden, "Qovery answered 403: the API token lacks a permission, or the object does not exist. "+
			"This does not prove that anything was deleted."
	case errors.Is(err, ErrForbidden):
		problem.Summary, problem.Cause = SummaryForbidden, apiOf(err)+" denied the request. This does not prove that anything was deleted."
	default:
		problem.Summary, problem.Cause = SummaryAPI, "A request to "+apiOf(err)+" failed."
	}
	return problem
}

// adviceAfter is what to do after a request that failed.
func adviceAfter(err error) string {
	switch {
	case errors.Is(err, ErrUnauthenticated) && apiOf(err) == "Qovery":
		return "Check api_token (QOVERY_API_TOKEN). If the token has a policy, permit the request that the original error names. Then run Terraform again."
	case errors.Is(err, ErrUnauthenticated):
		return "Check the provider's AWS credentials, from the argument aws or the environment. Then run Terraform again."
	case errors.Is(err, ErrForbidden) && apiOf(err) == "Qovery":
		return "Give the API token's role the missing permission, and check the ids that the original error names. Then run Terraform again."
	case errors.Is(err, ErrForbidden):
		return "Give the provider's IAM identity the permission that the original error names. Then run Terraform again."
	case errors.Is(err, ErrRejected):
		return "Fix the problem that the original error names. Then run Terraform again."
	default:
		return adviceRetry
	}
}

// apiOf is the name of the API that an error is from.
func apiOf(err error) string {
	if known, ok := errors.AsType[interface {
		error
		API() string
	}](err); ok {
		return known.API()
	}
	return "AWS or Qovery"
}

// isUnexplained reports whether an error is of a kind and is not a [Problem].
func isUnexplained(err, kind error) bool {
	_, explained := errors.AsType[*Problem](err)
	return !explained && errors.Is(err, kind)
}
