package rotation

import (
	"errors"
	"fmt"
	"time"
)

// The texts for keys that may not be deleted, and for keys that stay.

// notTouched is the state of a key that a check keeps.
func notTouched(d Deletion) string {
	return fmt.Sprintf("Access key %s of IAM user %q was not changed.", d.AccessKeyID, d.UserName)
}

func noReason(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryRetire,
		Cause:   fmt.Sprintf("There is no reason to delete access key %q (%q).", d.AccessKeyID, d.Reason),
		World:   notTouched(d),
		Advice:  "This is a defect of the provider. Please report it.",
	}
}

func notOfTheUser(d Deletion, s *Snapshot) *Problem {
	return &Problem{
		Summary:  SummaryWrongUser,
		Cause:    fmt.Sprintf("Access key %s is not among the keys of IAM user %q (%s).", d.AccessKeyID, d.UserName, s.User.ARN),
		World:    notTouched(d),
		Advice:   "Correct iam_user_name, and check that the provider's AWS credentials are of the right account.",
		Argument: ArgumentIAMUserName,
	}
}

// keyOfAnotherUser is the problem of a cleanup that names the wrong user.
func keyOfAnotherUser(t Retirement, owner string) *Problem {
	return &Problem{
		Summary:  SummaryWrongUser,
		Cause:    fmt.Sprintf("Access key %s belongs to IAM user %q, not to %q.", t.AccessKeyID, owner, t.UserName),
		World:    notTouched(t.deletion()),
		Advice:   "Correct iam_user_name.",
		Argument: ArgumentIAMUserName,
	}
}

// keyNotFound is the problem of a key that is not there and not proven to be deleted.
func keyNotFound(t Retirement, account string) *Problem {
	return &Problem{
		Summary: SummaryWrongAccount,
		Cause: fmt.Sprintf("IAM user %q of the AWS account %s has neither access key %s nor the key that Qovery holds. So it is not certain that "+
			"the first one was deleted: in another account, the answer is the same.", t.UserName, account, t.AccessKeyID),
		World: "Nothing was changed, and nothing was recorded.",
		Advice: "Check that the provider's AWS credentials are of the account that the keys belong to. If the IAM user was deleted, its keys are " +
			"deleted too: remove this resource.",
		Argument: ArgumentIAMUserName,
	}
}

func held(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryHeld,
		Cause:   fmt.Sprintf("A qoveryrotation_aws_access_key_cleanup keeps access key %s: its argument hold is true.", d.AccessKeyID),
		World:   notTouched(d),
		Advice: "When nobody needs the key any more, do one of these:\n" +
			"  - Set hold = false in the cleanup that keeps it, and apply.\n" +
			"  - If that cleanup or its state is lost, set hold = true in another cleanup of the same key and apply. Then set hold = false and apply.",
		Argument: ArgumentAccessKeyID,
	}
}

func drainUnknown(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryStillDraining,
		Cause:   fmt.Sprintf("The end of the drain window of access key %s is not known: no deployment with another key was recorded.", d.AccessKeyID),
		World:   notTouched(d),
		Advice:  "Finish the rotation that replaces the key: apply the configuration that manages the credentials.",
	}
}

func notDeployed(d Deletion, j Journal) *Problem {
	return &Problem{
		Summary: SummaryStillDraining,
		Cause: fmt.Sprintf("Access key %s is being replaced by %s for the credentials %s, and not every cluster is deployed with the new key.",
			d.AccessKeyID, j.To, j.CredentialsID),
		World:  notTouched(d),
		Advice: "Finish that rotation: apply the configuration that manages these credentials. The drain window begins then.",
	}
}

func stillDraining(d Deletion, s *Snapshot, until time.Time) *Problem {
	current := ""
	if s.Set != nil {
		current = s.Set.AccessKeyID
	}
	return &Problem{
		Summary: SummaryStillDraining,
		Cause: fmt.Sprintf("Qovery holds access key %s. Deployments that began with the previous key %s may use it until %s.",
			current, d.AccessKeyID, until.UTC().Format(time.RFC3339)),
		World:    notTouched(d),
		Advice:   fmt.Sprintf("Apply again after %s.", until.UTC().Format(time.RFC3339)),
		Argument: ArgumentAccessKeyID,
	}
}

// notReplaced is the problem of a key that Qovery may still work with.
func notReplaced(d Deletion, s *Snapshot) *Problem {
	var cause string
	switch {
	case s.Set == nil:
		cause = fmt.Sprintf("The credentials do not exist in Qovery any more, so what replaced access key %s is unknown.", d.AccessKeyID)
	case s.Set.AccessKeyID == d.AccessKeyID:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s itself: somebody put it back.", s.Set.Name, d.AccessKeyID)
	case s.Set.AccessKeyID == "":
		cause = fmt.Sprintf("Qovery's credentials %q have the type %s now and hold no access key.", s.Set.Name, s.Set.Type)
	case s.Current == nil:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which AWS does not have.", s.Set.Name, s.Set.AccessKeyID)
	default:
		cause = fmt.Sprintf("Qovery's credentials %q hold access key %s, which is Inactive.", s.Set.Name, s.Current.ID)
	}
	return &Problem{
		Summary:  SummaryNotReplaced,
		Cause:    cause,
		World:    notTouched(d),
		Advice:   "Make sure that Qovery holds another, Active key and that the clusters are deployed with it. The next apply checks again.",
		Argument: ArgumentCredentialsID,
	}
}

func stillStored(d Deletion, holders []Holder) *Problem {
	advice := "Do one of these:\n" +
		"  - Give each of these objects another key, or a role.\n" +
		"  - List its id in ignored_holders of the cleanup.\n" +
		"The next apply checks again."
	if d.Reason == ReasonOrphan || d.Reason == ReasonCompensated {
		advice = "Give each of these objects another key, or a role. The next apply checks again."
	}
	return &Problem{
		Summary:  SummaryKeyInUse,
		Cause:    fmt.Sprintf("Access key %s is still stored in %s.", d.AccessKeyID, listOf(holders)),
		World:    notTouched(d),
		Advice:   advice,
		Argument: ArgumentAccessKeyID,
	}
}

func invalidCluster(d Deletion, cluster Cluster) *Problem {
	return &Problem{
		Summary: SummaryInvalidCredentials,
		Cause:   fmt.Sprintf("%s has the state INVALID_CREDENTIALS, so it may not run with the current key.", capitalized(cluster.String())),
		World:   notTouched(d),
		Advice:  "Deploy the cluster in Qovery until it is DEPLOYED, then apply again.",
	}
}

func recentlyUsed(d Deletion, use LastUse) *Problem {
	return &Problem{
		Summary: SummaryKeyInUse,
		Cause: fmt.Sprintf("Access key %s was used at %s, for %s in %s. That is after %s, when nothing should have used it any more.",
			d.AccessKeyID, use.At.UTC().Format(time.RFC3339), use.Service, use.Region, d.DeleteAfter.UTC().Format(time.RFC3339)),
		World: notTouched(d),
		Advice: "Find out what still uses the key (CloudTrail lists requests by access key id) and give it another one. To retire the key without this " +
			"check, set allow_recent_use = true in the cleanup.",
		Argument: ArgumentAccessKeyID,
	}
}

func notQuiet(d Deletion, what, state string) *Problem {
	return &Problem{
		Summary: SummaryRepairWaits,
		Cause: fmt.Sprintf("Some objects in Qovery still store access key %s, which has to be deleted before they can get a new key. During that, no "+
			"deployment may run, and %s is being deployed (%s).", d.AccessKeyID, what, state),
		World:  notTouched(d),
		Advice: "Apply again when that deployment has ended.",
	}
}

func stillDeploying(d Deletion, deployment EnvironmentDeployment) *Problem {
	since := "a time that Qovery does not tell"
	if !deployment.AskedAt.IsZero() {
		since = deployment.AskedAt.UTC().Format(time.RFC3339)
	}
	return &Problem{
		Summary: SummaryStillDeploying,
		Cause: fmt.Sprintf("A deployment of %s runs since %s (%s). It may have begun with access key %s, and would fail without it.",
			deployment, since, deployment.State, d.AccessKeyID),
		World: notTouched(d),
		Advice: "Do one of these:\n  - Apply again when the deployment has ended.\n  - Cancel the deployment in Qovery.\n" +
			"  - To retire the key although the deployment may fail, set allow_running_deployments = true in the cleanup.",
		Argument: ArgumentAccessKeyID,
	}
}

func orphanInUse(d Deletion, use LastUse) *Problem {
	return &Problem{
		Summary: SummaryForeignKey,
		Cause: fmt.Sprintf("Access key %s was created by an interrupted rotation, but somebody used it at %s for %s in %s.", d.AccessKeyID,
			use.At.UTC().Format(time.RFC3339), use.Service, use.Region),
		World: notTouched(d),
		Advice: fmt.Sprintf("Find out who uses the key (CloudTrail lists requests by access key id). If nobody needs it, delete it: "+
			"aws iam delete-access-key --user-name %s --access-key-id %s", d.UserName, d.AccessKeyID),
		Argument: ArgumentIAMUserName,
	}
}

// foreignKey is the problem of a second key that nobody here explains.
func foreignKey(now time.Time, s *Snapshot, key Key) *Problem {
	state, use := "Inactive", "was never used"
	if key.Active {
		state = "Active"
	}
	if !key.LastUse.At.IsZero() {
		use = fmt.Sprintf("was last used at %s for %s in %s", key.LastUse.At.UTC().Format(time.RFC3339), key.LastUse.Service, key.LastUse.Region)
	}
	advice := fmt.Sprintf("Do one of these:\n"+
		"  - If it was Qovery's key until recently, import the resource, or let a qoveryrotation_aws_access_key_cleanup retire the key.\n"+
		"  - If nobody needs it, delete it: aws iam delete-access-key --user-name %[1]s --access-key-id %[2]s\n"+
		"  - If Terraform manages the IAM user, an interrupted rotation may have created it: an update of aws_iam_user removes the journal, which is a "+
		"tag. Delete the key as above, and set ignore_tags { key_prefixes = [%[3]q] } in the AWS provider.", s.User.Name, key.ID, journalTagPrefix)
	if holders := s.HoldersOf(key.ID); len(holders) > 0 {
		advice = fmt.Sprintf("Qovery needs %s: it is stored in %s. Give one of the two the key of another IAM user, or a role.", key.ID, listOf(holders))
	}
	return &Problem{
		Summary: SummaryForeignKey,
		Cause: fmt.Sprintf("IAM user %q has, besides Qovery's key, the %s access key %s, which is %d days old and %s. An IAM user can have two keys, so "+
			"there is no place for a new one.", s.User.Name, state, key.ID, int(now.Sub(key.CreatedAt).Hours()/24), use),
		World:    worldUntouched,
		Advice:   advice,
		Argument: ArgumentIAMUserName,
	}
}

func onItsWay(d Deletion) *Problem {
	return &Problem{
		Summary: SummaryCutoverUnclear,
		Cause:   "Qovery does not show it. A request to store it may still take effect.",
		World:   notTouched(d),
	}
}

// forRotation says what a key that may not be deleted means for a rotation, which needs its place.
func forRotation(p *Problem) *Problem {
	switch p.Summary {
	case SummaryHeld, SummaryStillDraining, SummaryStillDeploying, SummaryKeyInUse, SummaryInvalidCredentials, SummaryNotReplaced:
		p.Cause += " A new key cannot be created before this one is deleted: an IAM user can have two access keys."
		p.World, p.Argument = worldUntouched, ArgumentTriggers
	case SummaryRepairWaits:
		p.World = worldUntouched
	}
	return p
}

// retirementStopped explains why a retirement did not go on.
func retirementStopped(t Retirement, err error) *Problem {
	var problem *Problem
	if errors.As(err, &problem) {
		// Whoever looked at the world did not know what this run had done before.
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

// waitTooLong is the problem of a wait that cannot end in time. It is known at once, so nothing is waited for.
func waitTooLong(t Retirement, until time.Time, timeout time.Duration) *Problem {
	return &Problem{
		Summary: SummaryRetireTimeout,
		Cause: fmt.Sprintf("With wait = true this apply would have to wait until %s to see access key %s deleted. Its limit is %s.",
			until.UTC().Format(time.RFC3339), t.AccessKeyID, timeout),
		World: previousStays(t),
		Advice: "Set timeouts to more than the sum of the drain window, last_use_delay and quarantine_window. Or remove wait, and apply again " +
			"after that time.",
	}
}

// previousStays is the state of a key that was not deleted.
func previousStays(t Retirement) string {
	if t.DeactivatedAt.IsZero() {
		return fmt.Sprintf("Access key %s of IAM user %q still exists.", t.AccessKeyID, t.UserName)
	}
	return fmt.Sprintf("Access key %[1]s of IAM user %[2]q still exists. It is Inactive since %[3]s. To make it Active again: aws iam update-access-key "+
		"--user-name %[2]s --access-key-id %[1]s --status Active", t.AccessKeyID, t.UserName, t.DeactivatedAt.UTC().Format(time.RFC3339))
}
