package rotation

import (
	"cmp"
	"fmt"
	"time"
)

// The texts of warnings about keys: what a plan would do to a key, and what an apply did.

// String is a sentence about when, for what and where a key was last used, as far as AWS has recorded it.
func (u LastUse) String() string {
	if u.At.IsZero() {
		return "AWS has recorded no use of it."
	}
	return fmt.Sprintf("It was last used at %s, for %s in %s.", Moment(u.At), u.Service, u.Region)
}

// facts are what a reader needs to know about a key that is deactivated or deleted.
func facts(key Key, s *Snapshot) string {
	text := fmt.Sprintf("It was created at %s. %s", Moment(key.CreatedAt), key.LastUse)
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
		World:  WorldPlanned,
		Advice: "Deletion is permanent." + d.ifHeld(" To keep the key, set hold = true in its cleanup before you apply."),
	}
}

// willBeDeactivated is the warning of a plan that begins a quarantine.
func willBeDeactivated(d Deletion, key Key, s *Snapshot, because string, window time.Duration) *Problem {
	advice := "The cleanup deletes the key when no object stores it any more."
	if window > 0 {
		advice = fmt.Sprintf("The first apply after the quarantine of %s deletes the key.", Short(window))
	}
	return &Problem{
		Summary: SummaryWillBeDeactivated,
		Cause: fmt.Sprintf("Access key %s of IAM user %q (%s) will be deactivated: it becomes Inactive. %s %s", d.AccessKeyID, d.UserName,
			cmp.Or(s.User.ARN, d.UserName), because, facts(key, s)),
		World:  WorldPlanned,
		Advice: advice + d.ifHeld(" Until then, hold = true in its cleanup makes it Active again."),
	}
}

// ifHeld is advice about hold. It is empty for keys that a cleanup cannot hold: keys that leaked, and orphans.
func (d Deletion) ifHeld(advice string) string {
	if d.Reason == ReasonRetired || d.Reason == ReasonRepair {
		return advice
	}
	return ""
}

// becauseDrained is why a retirement may delete a key.
func becauseDrained(end time.Time) string {
	return fmt.Sprintf("Its drain window ended at %s, and nothing was found that needs it.", Moment(end))
}

// becauseOfPlace is why a rotation deletes a key. Only a retired key has passed the checks that nothing needs it: a repair
// deletes a key that objects store, and gives them the new one.
func becauseOfPlace(reason Reason) string {
	text := "An IAM user can have two access keys, and the new one needs the place of this one."
	if reason == ReasonRetired {
		text += " Nothing was found that needs it."
	}
	return text
}

// becauseCompromised is why a key that leaked is deactivated or deleted.
const becauseCompromised = "It is listed as compromised, so hold cannot keep it."

// willBeActivated is the warning of a plan that ends the quarantine of a key.
func willBeActivated(t Retirement) *Problem {
	return &Problem{
		Summary: SummaryWillBeActivated,
		Cause:   fmt.Sprintf("Access key %s of IAM user %q will be made Active again, because hold is true.", t.AccessKeyID, t.UserName),
		World:   WorldPlanned,
		Advice:  "To retire the key later, remove hold. A quarantine then begins anew.",
	}
}

// IfStillSo is the warning of a plan about a problem that may be over when the plan is applied.
func (p *Problem) IfStillSo(then string) *Problem {
	warning := *p
	warning.Cause = fmt.Sprintf("If this is still so when the plan is applied, %s. %s", then, p.Cause)
	return &warning
}

// mayStay is the warning of a plan whose apply may not be able to retire a key.
func mayStay(problem *Problem) *Problem {
	return problem.IfStillSo("the apply fails and the access key stays")
}

// wasDone is the warning of an apply about what it did to a key.
func wasDone(summary, what, userName, accessKeyID string, at time.Time, then string) *Problem {
	return &Problem{
		Summary: summary,
		Cause:   fmt.Sprintf("Access key %s of IAM user %q %s at %s.", accessKeyID, userName, what, Moment(at)),
		World:   then,
	}
}

func keyDeleted(p Permit, at time.Time) *Problem {
	return wasDone(SummaryDeleted, "was deleted", p.userName, p.accessKeyID, at, "The key cannot be restored.")
}

func keyDeactivated(p Permit, at time.Time) *Problem {
	problem := wasDone(SummaryDeactivated, "was made Inactive", p.userName, p.accessKeyID, at, "The quarantine of the key has begun.")
	problem.Advice = "To make the key Active again, set hold = true in the cleanup and apply."
	return problem
}

func keyActivated(t Retirement, at time.Time) *Problem {
	return wasDone(SummaryActivated, "was made Active again", t.UserName, t.AccessKeyID, at, "It stays Active as long as hold is true.")
}

// compromisedStopped is the warning of an apply that made a leaked key Inactive.
func compromisedStopped(p Permit, s *Snapshot, at time.Time) *Problem {
	problem := &Problem{
		Summary: SummaryCompromisedStopped,
		Cause: fmt.Sprintf("Access key %s of IAM user %q is listed as compromised. It was made Inactive at %s.", p.accessKeyID, p.userName,
			Moment(at)),
		World: fmt.Sprintf("Qovery holds access key %s. Every request with %s fails from now on, also in deployments that began with it. "+
			"Sessions that were created with it stay valid until they expire.", s.Set.AccessKeyID, p.accessKeyID),
		Advice: "A qoveryrotation_aws_access_key_cleanup deletes the key. Without one, it stays Inactive.",
	}
	if holders := s.HoldersOf(p.accessKeyID); len(holders) > 0 {
		problem.World += fmt.Sprintf(" These objects still store it and have no working key: %s.", ListOf(holders))
		problem.Advice = "Store another key in each of these objects, or use a role. The compromised key cannot be deleted before that. " + problem.Advice
	}
	return problem
}
