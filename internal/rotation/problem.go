package rotation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Argument names the argument of the resource that a [Problem] is about.
type Argument string

// The arguments that problems refer to. They have the names that users write.
const (
	ArgumentNone           Argument = ""
	ArgumentOrganizationID Argument = "organization_id"
	ArgumentCredentialsID  Argument = "credentials_id"
	ArgumentIAMUserName    Argument = "iam_user_name"
	ArgumentAccessKeyID    Argument = "access_key_id"
	ArgumentTriggers       Argument = "rotation_triggers"
)

// Problem is a reason not to go on, told in full: what failed, why, what AWS and Qovery are in now, and what to do.
type Problem struct {
	// Summary is one of the Summary constants: what failed.
	Summary string
	// Cause is the fact that was found.
	Cause string
	// World is the state that AWS and Qovery are left in.
	World string
	// Advice is the next step.
	Advice string
	// Argument is the argument to point at, if any.
	Argument Argument
	// Err is the error behind it, if any.
	Err error
}

// Summaries of problems. Each has an entry in the guide "When something goes wrong".
const (
	SummaryAPI                  = "A request to AWS or Qovery failed"
	SummaryUnauthenticated      = "AWS or Qovery does not accept the provider's credentials"
	SummaryForbidden            = "AWS or Qovery does not permit the request"
	SummaryOrganizationNotFound = "Organization not found in Qovery"
	SummaryCredentialsNotFound  = "Credentials not found in Qovery"
	SummaryNotStatic            = "Credentials without an access key"
	SummaryWrongUser            = "The access key in Qovery belongs to another IAM user"
	SummaryUserNotFound         = "IAM user not found"
	SummaryCutOff               = "Qovery's access key does not work"
	SummarySignsWithKey         = "The provider signs with the key that it is to replace"
	SummaryStrangerKey          = "The IAM user has a second access key"
	SummaryStillDraining        = "The previous access key still drains"
	SummaryClusterLocked        = "A cluster is locked"
	SummaryClusterState         = "A cluster is in a state that cannot be deployed"
	SummaryRestricted           = "Qovery does not deploy for this organization"
	SummaryOtherRotation        = "Another rotation is under way"
	SummaryForeignJournal       = "Unknown journal on the IAM user"
	SummaryKeyChanged           = "The access key changed since the plan"
	SummaryUncarriableHolder    = "The access key is stored where it cannot be replaced"
	SummaryCreateKey            = "Cannot create an access key"
	SummaryJournal              = "Cannot write the journal"
	SummaryVerification         = "The new access key does not work"
	SummaryRefused              = "Qovery refused the new access key"
	SummaryCutoverUnclear       = "Qovery did not say whether it took the new access key"
	SummaryHolderNotUpdated     = "A holder still has the previous access key"
	SummaryDeployment           = "A cluster could not be deployed"
	SummaryInterrupted          = "The rotation was interrupted"
	SummaryTimeout              = "The rotation ran into its timeout"
	SummaryKeyInUse             = "The access key is still in use"
	SummaryNotReplaced          = "The access key has no working successor"
	SummaryInvalidCredentials   = "A cluster does not accept its credentials"
	SummaryRetire               = "Cannot retire the access key"
	SummaryRetireTimeout        = "The cleanup ran into its timeout"
	SummaryRetireInterrupted    = "The cleanup was interrupted"
)

// Error implements error: the summary and the whole detail.
func (p *Problem) Error() string { return p.Summary + ": " + p.Detail() }

// Unwrap returns the error behind the problem.
func (p *Problem) Unwrap() error { return p.Err }

// IsEndOfTime tells whether a job stopped because it was canceled or ran into its timeout.
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

// IsCheck tells whether the problem is a fact that was found, and not a request that failed.
func (p *Problem) IsCheck() bool {
	switch p.Summary {
	case SummaryAPI, SummaryUnauthenticated, SummaryForbidden, SummaryRetire:
		return false
	default:
		return !IsEndOfTime(p)
	}
}

// Detail is everything but the summary, in paragraphs.
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

// withoutEnds returns an error without those of contexts that ended, which say nothing that a cause does not, and nil if
// nothing else is left.
func withoutEnds(err error) error {
	if slices.Contains([]error{nil, context.Canceled, context.DeadlineExceeded}, err) {
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
	worldUntouched = "nothing was changed."
	adviceRetry    = "apply again. The next run carries on by itself."
)
