package rotation

import (
	"errors"
	"fmt"
	"time"
)

// The texts for keys that may not be deleted, and for keys that were not.

// notTouched is the state after a check that did not hold.
func notTouched(d Deletion) string {
	return fmt.Sprintf("Access key %s of IAM user %q was not changed.", d.AccessKeyID, d.UserName)
}

func noReason(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryRetire,
		Cause:   fmt.Sprintf("There is no valid reason to delete access key %s (reason %q).", d.AccessKeyID, d.Reason),
		World:   notTouched(d),
		Advice:  "This is a bug of the provider. Please report it.",
	}
}

func notOfTheUser(d Deletion, s *Snapshot) *Problem {
	return &Problem{
		Summary: SummaryWrongUser,
		Cause:   fmt.Sprintf("IAM user %q (%s) has no access key %s.", d.UserName, s.User.ARN, d.AccessKeyID),
		World:   notTouched(d),
		Advice: "Do one of these:\n" +
			"  - If the provider uses the wrong account, give it other AWS credentials.\n" +
			"  - Otherwise, set iam_user_name to the owner of the key. This command prints it:\n" +
			"      aws iam get-access-key-last-used --access-key-id " + d.AccessKeyID,
		Argument: ArgumentIAMUserName,
	}
}

// keyOfAnotherUser is the problem that a cleanup has the wrong user.
func keyOfAnotherUser(t Retirement, owner string) *Problem {
	return &Problem{
		Summary:  SummaryWrongUser,
		Cause:    fmt.Sprintf("Access key %s belongs to IAM user %q, not to %q.", t.AccessKeyID, owner, t.UserName),
		World:    notTouched(t.deletion()),
		Advice:   fmt.Sprintf("Set iam_user_name = %q.", owner),
		Argument: ArgumentIAMUserName,
	}
}

// keyNotFound is the problem that a key was not found and is not proven to be deleted.
func keyNotFound(t Retirement, account string) *Problem {
	return &Problem{
		Summary: SummaryWrongAccount,
		Cause: fmt.Sprintf("IAM user %q in the AWS account %s has neither access key %s nor the key that Qovery holds. "+
			"In a wrong account the answer would be the same. So it is not certain that the key was deleted.", t.UserName, account, t.AccessKeyID),
		World: "Nothing was changed, and nothing was recorded.",
		Advice: "Do one of these:\n" +
			"  - If the keys belong to another account, give the provider AWS credentials of that account.\n" +
			"  - If the IAM user was deleted, its keys are deleted too. Remove this resource.",
		Argument: ArgumentIAMUserName,
	}
}

func held(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryHeld,
		Cause:   fmt.Sprintf("Access key %s is held: hold is true in a qoveryrotation_aws_access_key_cleanup.", d.AccessKeyID),
		World:   notTouched(d),
		Advice: "When nothing needs the key any more, do one of these:\n" +
			"  - Set hold = false in the cleanup that keeps it, and apply.\n" +
			"  - If that cleanup or its state is lost, set hold = true in another cleanup of the same key and apply. Then set hold = false and apply.",
		Argument: ArgumentAccessKeyID,
	}
}

func drainUnknown(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryStillDraining,
		Cause:   fmt.Sprintf("The end of the drain window of access key %s is unknown. No deployment with another key was recorded.", d.AccessKeyID),
		World:   notTouched(d),
		Advice:  "Apply the configuration that manages the credentials. It finishes the rotation that replaces the key.",
	}
}

func notDeployed(d Deletion, j Journal) *Problem {
	return &Problem{
		Summary: SummaryStillDraining,
		Cause: fmt.Sprintf("A rotation replaces access key %s by %s in the credentials %s. Not every cluster is deployed with the new key yet.",
			d.AccessKeyID, j.To, j.CredentialsID),
		World:  notTouched(d),
		Advice: "Apply the configuration that manages these credentials. The drain window begins when all clusters are deployed.",
	}
}

func stillDraining(d Deletion, s *Snapshot, until time.Time) *Problem {
	current := ""
	if s.Set != nil && s.Set.AccessKeyID != "" {
		current = fmt.Sprintf("Qovery holds access key %s. ", s.Set.AccessKeyID)
	}
	return &Problem{
		Summary:  SummaryStillDraining,
		Cause:    fmt.Sprintf("%sDeployments that began with the previous key %s may use it until %s.", current, d.AccessKeyID, Moment(until)),
		World:    notTouched(d),
		Advice:   fmt.Sprintf("Run Terraform again after %s.", Moment(until)),
		Argument: ArgumentAccessKeyID,
	}
}

// notReplaced is the problem that Qovery may still use a key.
func notReplaced(d Deletion, s *Snapshot) *Problem {
	var cause string
	advice := "Store another Active access key in Qovery's credentials and deploy the clusters. Then run Terraform again."
	forGood := "Do one of these:\n" +
		"  - If the key is still needed, store another Active access key in Qovery's credentials and deploy the clusters.\n" +
		"  - If nothing needs it any more, remove this resource and delete the key:\n      " + DeleteCommand(d.UserName, d.AccessKeyID)
	switch {
	case s.Set == nil:
		cause = fmt.Sprintf("The credentials that held access key %s do not exist in Qovery any more. It is unknown which key replaced it.", d.AccessKeyID)
		advice = forGood
	case s.Set.AccessKeyID == d.AccessKeyID:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s again. Somebody stored it there.", s.Set.Name, d.AccessKeyID)
	case s.Set.AccessKeyID == "":
		cause = fmt.Sprintf("Qovery's credentials %q now have the type %s and hold no access key.", s.Set.Name, s.Set.Type)
		advice = forGood
	case s.Current == nil:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which was not found in AWS.", s.Set.Name, s.Set.AccessKeyID)
	default:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which is Inactive.", s.Set.Name, s.Current.ID)
	}
	return &Problem{
		Summary:  SummaryNotReplaced,
		Cause:    cause,
		World:    notTouched(d),
		Advice:   advice,
		Argument: ArgumentCredentialsID,
	}
}

func stillStored(d Deletion, holders []Holder) *Problem {
	advice := "Store another key in each of these objects, or use a role. Then run Terraform again."
	if d.Reason != ReasonOrphan && d.Reason != ReasonCompensated {
		advice = "Do one of these:\n" +
			"  - Store another key in each of these objects, or use a role.\n" +
			"  - If an object may keep a deleted key, list its id in ignored_holders of the cleanup. A registry that came with a cluster cannot be ignored.\n" +
			"Then run Terraform again."
	}
	return &Problem{
		Summary:  SummaryKeyInUse,
		Cause:    fmt.Sprintf("Access key %s is still stored in %s.", d.AccessKeyID, ListOf(holders)),
		World:    notTouched(d),
		Advice:   advice,
		Argument: ArgumentAccessKeyID,
	}
}

func invalidCluster(d Deletion, cluster Cluster) *Problem {
	return &Problem{
		Summary: SummaryInvalidCredentials,
		Cause:   fmt.Sprintf("%s has the state INVALID_CREDENTIALS. It is not certain that it runs with the current key.", capitalized(cluster.String())),
		World:   notTouched(d),
		Advice:  "Deploy the cluster in Qovery. When its state is DEPLOYED, run Terraform again.",
	}
}

func recentlyUsed(d Deletion, use LastUse) *Problem {
	return &Problem{
		Summary: SummaryKeyInUse,
		Cause: fmt.Sprintf("Access key %s was used at %s, for %s in %s. Nothing should use it after %s, the end of its drain window.",
			d.AccessKeyID, Moment(use.At), use.Service, use.Region, Moment(d.DeleteAfter)),
		World: notTouched(d),
		Advice: "Do one of these:\n" +
			"  - Find out what uses the key, and give it another one. CloudTrail lists its requests:\n" +
			"      " + eventsCommand(d.AccessKeyID, use) + "\n" +
			"  - To retire the key without this check, set allow_recent_use = true in the cleanup.",
		Argument: ArgumentAccessKeyID,
	}
}

func notQuiet(d Deletion, what, state string) *Problem {
	return &Problem{
		Summary: SummaryRepairWaits,
		Cause: fmt.Sprintf("Objects in Qovery still store access key %s. It has to be deleted before they can get a new key. "+
			"No deployment may run in that time, but %s has the state %s.", d.AccessKeyID, what, state),
		World:  notTouched(d),
		Advice: "Run Terraform again when that deployment has ended.",
	}
}

func stillDeploying(d Deletion, deployment EnvironmentDeployment) *Problem {
	since := "an unknown time"
	if !deployment.AskedAt.IsZero() {
		since = Moment(deployment.AskedAt)
	}
	return &Problem{
		Summary: SummaryStillDeploying,
		Cause: fmt.Sprintf("A deployment of %s has not ended. It was requested at %s and has the state %s. It may use access key %s, "+
			"and would fail without it.", deployment, since, deployment.State, d.AccessKeyID),
		World: notTouched(d),
		Advice: "Do one of these:\n" +
			"  - Run Terraform again when the deployment has ended.\n" +
			"  - Cancel the deployment in Qovery, and run Terraform again.\n" +
			"  - To retire the key although the deployment may fail, set allow_running_deployments = true in the cleanup.",
		Argument: ArgumentAccessKeyID,
	}
}

func orphanInUse(d Deletion, use LastUse) *Problem {
	return &Problem{
		Summary: SummaryForeignKey,
		Cause: fmt.Sprintf("An interrupted rotation created access key %s. Somebody used it at %s, for %s in %s.", d.AccessKeyID,
			Moment(use.At), use.Service, use.Region),
		World: notTouched(d),
		Advice: "Find out who uses the key. CloudTrail lists its requests:\n  " + eventsCommand(d.AccessKeyID, use) +
			"\nIf nobody needs it, delete it:\n  " + DeleteCommand(d.UserName, d.AccessKeyID),
		Argument: ArgumentIAMUserName,
	}
}

// foreignKey is the problem that neither a journal nor the state explains the user's second key.
func foreignKey(now time.Time, s *Snapshot, key Key) *Problem {
	state := "Inactive"
	if key.Active {
		state = "Active"
	}
	advice := fmt.Sprintf("Do one of these:\n"+
		"  - If Qovery held the key until recently, import this resource, or let a qoveryrotation_aws_access_key_cleanup retire the key.\n"+
		"  - If nobody needs it, delete it:\n"+
		"      %s\n"+
		"  - If Terraform manages the IAM user, an update of aws_iam_user may have removed the journal of an interrupted rotation, which is a tag. "+
		"Delete the key as above. Then set ignore_tags { key_prefixes = [%q] } in the AWS provider.",
		DeleteCommand(s.User.Name, key.ID), journalTagPrefix)
	needed := ""
	if holders := s.HoldersOf(key.ID); len(holders) > 0 {
		needed = fmt.Sprintf(" It is stored in %s.", ListOf(holders))
		advice = "Store a key of another IAM user in these objects or in the credentials. Or use a role. Then run Terraform again."
	}
	return &Problem{
		Summary: SummaryForeignKey,
		Cause: fmt.Sprintf("IAM user %q has a second access key: %s. It is %s and %d days old. %s%s An IAM user can have two access keys, so a new one "+
			"cannot be created.", s.User.Name, key.ID, state, int(now.Sub(key.CreatedAt).Hours()/24), key.LastUse, needed),
		World:    WorldUntouched,
		Advice:   advice,
		Argument: ArgumentIAMUserName,
	}
}

func onItsWay(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryCutoverUnclear,
		Cause:   "Qovery does not hold it yet. A request to store it may still take effect.",
		World:   notTouched(d),
	}
}

// forRotation adapts the problem that a key may not be deleted to a rotation that needs its place.
func forRotation(p *Problem) *Problem {
	switch p.Summary {
	case SummaryStillDraining, SummaryHeld, SummaryStillDeploying, SummaryKeyInUse, SummaryInvalidCredentials, SummaryNotReplaced:
		p.Advice += "\nUntil then, no plan with this rotation can be applied. To change something else first, such as the cleanup, restore the previous " +
			"rotation_triggers or remove rotate_after_days, whichever asks for the rotation."
		p.Cause += " An IAM user can have two access keys, so a new one cannot be created before this one is deleted."
		p.World, p.Argument = WorldUntouched, ArgumentTriggers
	case SummaryRepairWaits:
		p.World = WorldUntouched
	}
	return p
}

// retirementStopped is the problem of a retirement that an error stopped.
func retirementStopped(t Retirement, err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		// Problems of reads and checks do not include what this run has changed before.
		if !t.DeactivatedAt.IsZero() && problem.Summary != SummaryRetireTimeout {
			problem.World = previousStays(t)
		}
		return problem
	}
	problem = stopped(err, previousStays(t))
	switch problem.Summary {
	case SummaryAPI:
		problem.Summary = SummaryRetire
	case SummaryTimeout:
		problem.Summary = SummaryRetireTimeout
	case SummaryInterrupted:
		problem.Summary = SummaryRetireInterrupted
	}
	return problem
}

// waitTooLong is the problem that a wait cannot end within the timeout. That is known in advance, so the wait does not begin.
func waitTooLong(t Retirement, until time.Time, timeout time.Duration) *Problem {
	return &Problem{
		Summary: SummaryRetireTimeout,
		Cause: fmt.Sprintf("With wait = true, this apply would wait until %s for access key %s to be deleted. Its timeout is %s.",
			Moment(until), t.AccessKeyID, Short(timeout)),
		World: previousStays(t),
		Advice: "Do one of these:\n" +
			"  - Set timeouts to more than the sum of the drain window, last_use_delay and quarantine_window.\n" +
			"  - Remove wait. The first apply after that time deletes the key.",
	}
}

// previousStays is the state of a key that was not deleted.
func previousStays(t Retirement) string {
	text := fmt.Sprintf("Access key %s of IAM user %q still exists.", t.AccessKeyID, t.UserName)
	if t.DeactivatedAt.IsZero() {
		return text
	}
	text += fmt.Sprintf(" It has been Inactive since %s.", Moment(t.DeactivatedAt))
	if t.compromised {
		return text
	}
	return text + " To make it Active again, set hold = true in the cleanup and apply."
}
