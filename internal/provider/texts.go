package provider

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The texts of errors and warnings that package rotation does not have. They are problems too, so they have the same four
// parts.

const (
	nothingRetires     = " Nothing retires the key from now on."
	argumentRegistries = rotation.Argument("rotate_registries")
	argumentWindow     = rotation.Argument("rotation_window")
)

// invalid is the error about an argument.
func invalid(cause, advice string) *rotation.Problem {
	return &rotation.Problem{Summary: summaryConfiguration, Cause: cause, World: rotation.WorldUntouched, Advice: advice}
}

// unparsed is the error about an argument that a function could not parse. The function's error completes the sentence about
// the argument.
func unparsed(at path.Path, err error) *rotation.Problem {
	return invalid(fmt.Sprintf("%s %s.", at, err), "")
}

var daysOrWeeks = regexp.MustCompile(`^(\d{1,5})\s*(d|days?|w|weeks?)$`)

// notADuration is the error about a malformed duration. It converts days and weeks, for which Go has no unit.
func notADuration(at path.Path, value string) *rotation.Problem {
	advice := `Write numbers with units, such as "90m", "2h" or "168h" for 7 days.`
	if found := daysOrWeeks.FindStringSubmatch(value); found != nil {
		days, _ := strconv.Atoi(found[1])
		if strings.HasPrefix(found[2], "w") {
			days *= 7
		}
		advice = fmt.Sprintf("Write \"%dh\" for %d days.", 24*days, days)
	}
	return invalid(fmt.Sprintf("%s is %q, which is not a duration. Valid units are h, m, s and ms.", at, value), advice)
}

func durationOutOfBounds(at path.Path, duration time.Duration, bounds string) *rotation.Problem {
	return invalid(fmt.Sprintf("%s is %s. It %s.", at, rotation.Short(duration), bounds), "")
}

func drainWindowTooShort(window, minimum time.Duration) *rotation.Problem {
	return invalid(fmt.Sprintf("drain_window is %s. The provider's minimum_drain_window requires at least %s.", rotation.Short(window), rotation.Short(minimum)),
		"Increase drain_window. For a test organization, reduce minimum_drain_window.")
}

func ageTooShort(days int64, window time.Duration) *rotation.Problem {
	return invalid(fmt.Sprintf("rotate_after_days (%d) must be longer than drain_window (%s). A key cannot be rotated while the previous one is in its "+
		"drain window.", days, rotation.Short(window)), "Increase rotate_after_days, or reduce drain_window.")
}

func quarantineTooLong(window, timeout time.Duration) *rotation.Problem {
	return invalid(fmt.Sprintf("quarantine_window (%s) does not end within timeouts (%s). With wait = true, no apply could ever delete the key.",
		rotation.Short(window), rotation.Short(timeout)),
		"Do one of these:\n  - Increase timeouts, or reduce quarantine_window.\n  - Remove wait. A later apply then deletes the key.")
}

func windowInvalid(at path.Path, err error) *rotation.Problem {
	return invalid(fmt.Sprintf("%s is not valid: %s.", at, err), "")
}

func tokenInvalid(err error) *rotation.Problem {
	return invalid(fmt.Sprintf("The Qovery API token %s.", err),
		"Set the environment variable QOVERY_API_TOKEN. Or set the argument api_token from a sensitive variable.")
}

func urlInvalid(err error) *rotation.Problem {
	return invalid(fmt.Sprintf("Qovery's API cannot be used: %s.", err), "Correct the argument api_url, or the environment variable QOVERY_API_URL.")
}

func awsInvalid(err error) *rotation.Problem {
	problem := invalid("The AWS configuration of the provider cannot be used.",
		"Correct the argument aws, the environment variables or the shared files. The original error says which value is wrong.")
	problem.Err = err
	return problem
}

// unknownConfiguration is the error about a provider argument whose value is not known while Terraform plans.
func unknownConfiguration(at path.Path) *rotation.Problem {
	return invalid(fmt.Sprintf("The value of %s is not known until the apply. The plan could not be checked against AWS and Qovery.", at),
		"Do one of these:\n"+
			"  - Set the argument from a variable, a data source or the environment.\n"+
			"  - Create what the value depends on first, with terraform apply -target and its address.")
}

func importIDInvalid(err error) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryImportID,
		Cause:   fmt.Sprintf("The import id %s.", err),
		World:   rotation.WorldUntouched,
		Advice:  "Correct the id. The data source qoveryrotation_aws_credentials_list lists the credentials of an organization.",
	}
}

// nothingToRotate is the warning of a refresh about credentials that have no access key any more.
func nothingToRotate(problem *rotation.Problem) *rotation.Problem {
	warning := *problem
	warning.Summary, warning.Argument = summaryNothingToRotate, rotation.ArgumentNone
	return &warning
}

// keyForgotten is the warning about a key whose credentials resource was destroyed.
func keyForgotten(userName, accessKeyID, importID string) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryKeyStays,
		Cause: fmt.Sprintf("Access key %s of IAM user %q stays valid, and Qovery continues to use it. Only the resource was removed from the state.",
			accessKeyID, userName),
		World:  rotation.WorldUntouched + " Nothing rotates the key from now on.",
		Advice: "To rotate it again, import the resource with the id " + importID + ".",
	}
}

// heldKeyStays is the warning about a key whose cleanup was destroyed while hold was true.
func heldKeyStays(userName, accessKeyID string) *rotation.Problem {
	return keyStays(fmt.Sprintf("Access key %s of IAM user %q stays Active, because hold is true.", accessKeyID, userName),
		"The key was not changed.", userName, accessKeyID)
}

// keyNotRetired is the warning about a key whose cleanup was destroyed before the key could be deleted.
func keyNotRetired(userName, accessKeyID, reason, world string) *rotation.Problem {
	return keyStays(fmt.Sprintf("Access key %s of IAM user %q was not deleted. %s", accessKeyID, userName, reason), world, userName, accessKeyID)
}

func keyStays(cause, world, userName, accessKeyID string) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryKeyStays,
		Cause:   cause,
		World:   world + nothingRetires,
		Advice:  "When nothing needs the key any more, delete it:\n  " + rotation.DeleteCommand(userName, accessKeyID),
	}
}

// keyUntracked is the warning about an existing key that a cleanup no longer tracks.
func keyUntracked(userName, accessKeyID, next string) *rotation.Problem {
	now := "no access key"
	if next != "" {
		now = "access key " + next
	}
	return &rotation.Problem{
		Summary: summaryKeyForgotten,
		Cause:   fmt.Sprintf("This resource tracked access key %s, which still exists. It now tracks %s.", accessKeyID, now),
		World:   fmt.Sprintf("Access key %s was not changed.%s", accessKeyID, nothingRetires),
		Advice:  "If nobody needs the key, delete it:\n  " + rotation.DeleteCommand(userName, accessKeyID),
	}
}

// listedAnyway is the warning about credentials in a list whose key could not be looked up.
func listedAnyway(set rotation.CredentialsSet, problem *rotation.Problem) *rotation.Problem {
	warning := *problem
	warning.Cause = fmt.Sprintf("The list contains the credentials %q (%s), but there is a problem with them. %s", set.Name, set.ID, problem.Cause)
	warning.Argument = rotation.ArgumentNone
	return &warning
}

// stateUnreadable is the error about a malformed value in the private state.
func stateUnreadable(key string, err error) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryState,
		Cause:   fmt.Sprintf("The value %q in the private state of the resource cannot be read.", key),
		World:   rotation.WorldUntouched,
		Advice:  "If a newer version of the provider wrote the state, use that version. Otherwise, this is a bug of the provider. Please report it.",
		Err:     err,
	}
}
