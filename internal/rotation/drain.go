package rotation

import "time"

// Stage is how far a rotation has got, and with it the key that it replaces. It is the only enumeration of the lifecycle. The
// journal has it as its phase. [Stage.Phase] and [Stage.Status] are what Terraform shows of it.
type Stage string

// The stages, in order. The package documentation has the picture.
const (
	// StageNone is a key that is not being replaced.
	StageNone Stage = ""
	// StageCreating is recorded before a new key is asked for. A key that appears afterwards may be this rotation's.
	StageCreating Stage = "creating"
	// StageVerifying is recorded when the id of the new key is known, before Qovery is given the key.
	StageVerifying Stage = "verifying"
	// StageStoring is recorded before Qovery is asked to store the key. From then on, a request may be under way.
	StageStoring Stage = "storing"
	// StageDeploying is a rotation after the cutover. Qovery holds the new key, and some clusters or holders do not have it yet.
	StageDeploying Stage = "deploying"
	// StageDeployed is a rotation whose clusters run with the new key. The previous key is in its drain window.
	StageDeployed Stage = "deployed"
	// StageDrained is a previous key whose drain window is over.
	StageDrained Stage = "drained"
	// StageQuarantined is a previous key that is Inactive and not deleted yet.
	StageQuarantined Stage = "quarantined"
	// StageHeld is a previous key that a cleanup keeps.
	StageHeld Stage = "held"
	// StageDeleted is a previous key that is deleted.
	StageDeleted Stage = "deleted"
)

// Phase is the attribute "phase" of qoveryrotation_aws_credentials: a [Stage] as seen from the current key.
type Phase string

// The phases.
const (
	PhaseStable    Phase = "stable"
	PhaseDeploying Phase = "deploying"
	PhaseDraining  Phase = "draining"
	PhaseDrained   Phase = "drained"
)

// Status is the attribute "status" of qoveryrotation_aws_access_key_cleanup: a [Stage] as seen from the previous key.
type Status string

// The statuses.
const (
	StatusIdle        Status = "idle"
	StatusDraining    Status = "draining"
	StatusDue         Status = "due"
	StatusQuarantined Status = "quarantined"
	StatusHeld        Status = "held"
	StatusDeleted     Status = "deleted"
)

// Phase is what the credentials show of the stage.
func (s Stage) Phase() Phase {
	switch s {
	case StageDeploying:
		return PhaseDeploying
	case StageDeployed:
		return PhaseDraining
	case StageDrained, StageQuarantined, StageHeld, StageDeleted:
		return PhaseDrained
	default:
		return PhaseStable
	}
}

// Status is what a cleanup shows of the stage.
func (s Stage) Status() Status {
	switch s {
	case StageNone:
		return StatusIdle
	case StageDrained:
		return StatusDue
	case StageQuarantined:
		return StatusQuarantined
	case StageHeld:
		return StatusHeld
	case StageDeleted:
		return StatusDeleted
	default:
		return StatusDraining
	}
}

// drainEnd is the end of a drain window, which begins when every cluster is deployed. It is zero before that.
func drainEnd(deployedAt time.Time, window time.Duration) time.Time {
	if deployedAt.IsZero() {
		return time.Time{}
	}
	return deployedAt.Add(window)
}

// latest returns the later time.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// stageAt is the stage of the recorded rotation at a time.
func (r Record) stageAt(now time.Time) Stage {
	switch {
	case r.Unfinished:
		return StageDeploying
	case r.PreviousAccessKeyID == "" || r.DrainEndsAt.IsZero():
		return StageNone
	case r.DrainEndsAt.After(r.DeployedAt) && now.Before(r.DrainEndsAt): // DeployedAt is rounded up and may be after now.
		return StageDeployed
	default:
		return StageDrained
	}
}

// ExtendDrain returns the record with a longer drain window for the previous key. A shorter one has no effect.
func (r Record) ExtendDrain(window time.Duration) Record {
	r.DrainEndsAt = latest(r.DrainEndsAt, drainEnd(r.DeployedAt, window))
	return r
}

// DueAt is when a key reaches an age. It is zero without an age.
func DueAt(createdAt time.Time, days int64) time.Time {
	if days <= 0 || createdAt.IsZero() {
		return time.Time{}
	}
	return createdAt.AddDate(0, 0, int(days))
}

// retireAt is when a key may be retired at the earliest. It is zero for a key that leaked, which is retired at once. AWS
// reports uses late, so it is known only some time after DeleteAfter that the key was not used after it.
func (t Retirement) retireAt() time.Time {
	switch {
	case t.compromised:
		return time.Time{}
	case t.AllowRecentUse:
		return t.DeleteAfter
	default:
		return t.DeleteAfter.Add(t.lastUseDelay)
	}
}

// isIdle reports whether there is nothing to retire yet.
func (t Retirement) isIdle() bool {
	return t.AccessKeyID == "" || t.DeleteAfter.IsZero() && !t.compromised
}

// holds reports whether the key is held. A key that leaked never is.
func (t Retirement) holds() bool { return t.Hold && !t.compromised }

// stageAt is the stage of a retirement at a time. The key is as the user's list shows it, and nil if the list does not have it.
func (t Retirement) stageAt(now time.Time, key *AccessKey) Stage {
	switch {
	case t.isIdle():
		return StageNone
	case key == nil:
		return StageDeleted
	case t.holds() && key.Active:
		return StageHeld
	case t.holds():
		return StageDrained // The next apply makes it Active again.
	case now.Before(t.retireAt()):
		return StageDeployed
	case t.quarantined(key) && now.Before(t.quarantineEndsAt()):
		return StageQuarantined
	default:
		return StageDrained
	}
}

func (t Retirement) quarantined(key *AccessKey) bool { return !key.Active && !t.DeactivatedAt.IsZero() }

func (t Retirement) quarantineEndsAt() time.Time { return t.DeactivatedAt.Add(t.QuarantineWindow) }

// goneAt is when the key can be deleted at the earliest.
func (t Retirement) goneAt(now time.Time, key *AccessKey) time.Time {
	gone := latest(now, t.retireAt())
	if t.quarantined(key) {
		return latest(gone, t.quarantineEndsAt())
	}
	return gone.Add(t.QuarantineWindow)
}

// nextActionAt is when the next step of a retirement can be taken. It is zero if there is none.
func (t Retirement) nextActionAt(stage Stage) time.Time {
	switch {
	case stage == StageNone || stage == StageDeleted || t.holds():
		return time.Time{}
	case t.DeactivatedAt.IsZero():
		return t.retireAt()
	default:
		return latest(t.retireAt(), t.quarantineEndsAt())
	}
}
