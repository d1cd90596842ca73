package rotation

import (
	"context"
	"time"
)

// hold records whether a cleanup holds its key, and makes a held key Active again.
func (r *Rotator) hold(ctx context.Context, t *Retirement, key *AccessKey) error {
	if err := r.recordHold(ctx, *t); err != nil {
		return err
	}
	if t.Released = false; !t.holds() {
		return nil
	}
	t.DeactivatedAt = time.Time{}
	if key.Active {
		return nil
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	step(ctx, "activating an access key", "access_key_id", t.AccessKeyID)
	if err := r.iam.ActivateAccessKey(ctx, t.UserName, t.AccessKeyID); err != nil {
		return goneIfNotFound(err)
	}
	key.Active = true
	warn(t.Warn, keyActivated(*t, r.Now()))
	return nil
}

// recordHold records in the journal of the credentials which key a cleanup holds. A rotation that needs the place sees only the
// journal. A key that no journal explains gets a journal.
func (r *Rotator) recordHold(ctx context.Context, t Retirement) error {
	j, err := r.fresh().holdEntry(ctx, t, r.Now())
	if err != nil || j == nil {
		return err
	}
	return r.writeJournal(ctx, t.UserName, *j)
}

// holdEntry is the entry to write for a hold or its end. It is nil if the journal has it already, and if it makes no difference.
func (w world) holdEntry(ctx context.Context, t Retirement, now time.Time) (*Journal, error) {
	user, err := w.iam.User(ctx, t.UserName)
	if err != nil {
		return nil, err
	}
	j, _, err := journalsOf(user, t.CredentialsID)
	if err != nil {
		return nil, unknownJournal(user.Name, t.CredentialsID, err)
	}
	if j == nil {
		sets, err := w.qovery.Credentials(ctx, t.OrganizationID)
		if err != nil {
			return nil, notRead(t.Target, err)
		}
		set := setOf(sets, t.CredentialsID)
		if !t.holds() || set == nil || set.AccessKeyID == "" || set.AccessKeyID == t.AccessKeyID {
			return nil, nil // No rotation could delete the key for its place.
		}
		j = &Journal{CredentialsID: set.ID, From: t.AccessKeyID, To: set.AccessKeyID, Stage: StageDeployed, At: now, CutoverAt: now}
	}
	held := ""
	if t.holds() {
		held = t.AccessKeyID
	}
	if j.Hold == held {
		return nil, nil
	}
	j.Hold = held
	return j, nil
}

// Release ends the hold of a cleanup that is destroyed, so that a rotation may delete the key.
func (r *Rotator) Release(ctx context.Context, t Retirement) error {
	t.Hold = false
	return r.recordHold(ctx, t)
}
