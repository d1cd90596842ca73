package rotation

import "context"

// PreviewRetirement returns the warning about what an apply would do to a key now, or why it would fail. It is nil if the apply
// would do nothing, and also if something cannot be read, because the apply reads it again. It changes nothing.
func (r *Rotator) PreviewRetirement(ctx context.Context, t Retirement) *Problem {
	t.lastUseDelay, t.compromised = r.lastUseDelay, r.IsCompromised(t.AccessKeyID)
	if t.isIdle() {
		return nil
	}
	s, err := r.cached().read(ctx, t.Target, "", ScopeKeys)
	if err != nil || s.key(t.AccessKeyID) == nil {
		return nil
	}
	key := s.key(t.AccessKeyID).AccessKey
	switch stage := t.stageAt(r.Now(), &key); {
	case t.holds() && stage == StageDrained:
		return willBeActivated(t)
	case stage != StageDrained:
		return nil
	}
	if s, err = r.cached().read(ctx, t.Target, "", ScopeAll); err != nil || s.key(t.AccessKeyID) == nil {
		return nil
	}
	return t.preview(r, s)
}

// preview is the warning about a key that is due.
func (t Retirement) preview(r *Rotator, s *Snapshot) *Problem {
	d, key, because := t.deletion(), *s.key(t.AccessKeyID), becauseDrained(t.DeleteAfter)
	if t.compromised {
		because = becauseCompromised
	}
	_, problem := MayDelete(r.Now(), d, s)
	_, stays := MayStop(r.Now(), d, s)
	begins := t.beginsQuarantine(&key.AccessKey) && t.QuarantineWindow > 0
	switch {
	case problem != nil && stays == nil && key.Active, problem == nil && begins:
		return willBeDeactivated(d, key, s, because, t.QuarantineWindow)
	case problem != nil:
		return mayStay(problem)
	default:
		return willBeDeleted(d, key, s, because)
	}
}
