package rotation

import "context"

// PreviewRetirement says what an apply would do to a key now, or why it could not; nil when it would do nothing. It changes nothing,
// and what it cannot read it does not speak of: the apply looks again.
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

// preview is what is due about a key, in the world that a snapshot shows.
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
