package rotation

import (
	"cmp"
	"fmt"
	"time"
)

// The texts of warnings about keys: what a plan is going to do to one, and what an apply did.

// String says where a key was used last, as far as AWS knows.
func (u LastUse) String() string {
	if u.At.IsZero() {
		return "AWS knows no use of it."
	}
	return fmt.Sprintf("It was last used at %s, for %s in %s.", u.At.UTC().Format(time.RFC3339), u.Service, u.Region)
}

// facts are what a person wants to know of a key that is deactivated or deleted.
func facts(key Key, s *Snapshot) string {
	text := fmt.Sprintf("It was created at %s. %s", key.CreatedAt.UTC().Format(time.RFC3339), key.LastUse)
	if s.Set != nil && s.Set.AccessKeyID != "" {
		text += fmt.Sprintf(" Qovery holds access key %s in its place.", s.Set.AccessKeyID)
	}
	return text
}

// willBeDeleted is the warning of a plan that deletes a key.
func willBeDeleted(d Deletion, key Key, s *Snapshot, because string) *Problem {
	return &Problem{
		Summary: SummaryWillBeDeleted,
		Cause: fmt.Sprintf("Access key %s of IAM user %q (%s) will be deleted. %s %s", d.AccessKeyID, d.UserName,
			cmp.Or(s.User.ARN, d.UserName), because, facts(key, s)),
		World:  worldUntouched,
		Advice: "Deletion is permanent." + d.ifHeld(" To keep the key, set hold = true in the cleanup before you apply."),
	}
}

// willBeDeactivated is the warning of a plan that begins a quarantine.
func willBeDeactivated(d Deletion, key Key, s *Snapshot, because string, window time.Duration) *Problem {
	advice := "The cleanup deletes the key later."
	if window > 0 {
		advice = fmt.Sprintf("The key is deleted by the first apply after the quarantine of %s.", window)
	}
	return &Problem{
		Summary: SummaryWillBeDeactivated,
		Cause: fmt.Sprintf("Access key %s of IAM user %q (%s) will be made Inactive. %s %s", d.AccessKeyID, d.UserName,
			cmp.Or(s.User.ARN, d.UserName), because, facts(key, s)),
		World:  worldUntouched,
		Advice: advice + d.ifHeld(" Until then, hold = true in the cleanup makes it Active again."),
	}
}

// ifHeld is advice about hold, for keys that a cleanup can hold: not for one that leaked, nor for an orphan.
func (d Deletion) ifHeld(advice string) string {
	if d.Reason == ReasonRetired || d.Reason == ReasonRepair {
		return advice
	}
	return ""
}

// becauseDrained, becauseCompromised and becauseOfPlace are why a key may go.
func becauseDrained(end time.Time) string {
	return fmt.Sprintf("Its drain window was over at %s, and nothing needs it.", end.UTC().Format(time.RFC3339))
}

const (
	becauseCompromised = "It is listed as compromised."
	becauseOfPlace     = "An IAM user can have two access keys, and the new one needs its place."
)

// willBeActivated is the warning of a plan that takes a key out of its quarantine.
func willBeActivated(t Retirement) *Problem {
	return &Problem{
		Summary: SummaryWillBeActivated,
		Cause:   fmt.Sprintf("Access key %s of IAM user %q will be made Active again, because hold is true.", t.AccessKeyID, t.UserName),
		World:   worldUntouched,
	}
}

// mayStay is the warning of a plan that is going to leave a key.
func mayStay(problem *Problem) *Problem {
	told := *problem
	told.Cause = "If this is still so when the plan is applied, the access key stays, and the apply fails. " + problem.Cause
	return &told
}

// wasDone is the warning of an apply about what it did to a key.
func wasDone(summary, what, userName, accessKeyID string, at time.Time, then string) *Problem {
	return &Problem{
		Summary: summary,
		Cause:   fmt.Sprintf("Access key %s of IAM user %q %s at %s.", accessKeyID, userName, what, at.UTC().Format(time.RFC3339)),
		World:   then,
	}
}

func keyDeleted(p Permit, at time.Time) *Problem {
	return wasDone(SummaryDeleted, "was deleted", p.userName, p.accessKeyID, at, "Deletion is permanent.")
}

func keyDeactivated(p Permit, at time.Time) *Problem {
	return wasDone(SummaryDeactivated, "was made Inactive", p.userName, p.accessKeyID, at,
		"The quarantine has begun. To make the key Active again, set hold = true in the cleanup.")
}

func keyActivated(t Retirement, at time.Time) *Problem {
	return wasDone(SummaryActivated, "was made Active again", t.UserName, t.AccessKeyID, at, "It stays as long as hold is true.")
}

// compromisedStopped is the warning of an apply that made a leaked key Inactive.
func compromisedStopped(p Permit, s *Snapshot, at time.Time) *Problem {
	problem := &Problem{
		Summary: SummaryCompromisedStopped,
		Cause: fmt.Sprintf("Access key %s of IAM user %q is listed as compromised. It was made Inactive at %s.", p.accessKeyID, p.userName,
			at.UTC().Format(time.RFC3339)),
		World: fmt.Sprintf("Qovery holds access key %s. Whatever uses %s fails from now on, deployments that began with it too. Sessions that were "+
			"made with it last until they expire.", s.Set.AccessKeyID, p.accessKeyID),
		Advice: "A qoveryrotation_aws_access_key_cleanup deletes the key. Without one it stays Inactive.",
	}
	if holders := s.HoldersOf(p.accessKeyID); len(holders) > 0 {
		problem.World += fmt.Sprintf(" These still store it, and have no working key: %s.", listOf(holders))
		problem.Advice = "Give each of these objects another key, or a role. The key cannot be deleted before that. " + problem.Advice
	}
	return problem
}
