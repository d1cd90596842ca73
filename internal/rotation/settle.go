package rotation

import (
	"context"
	"maps"
	"time"
)

// watchInterval is how often the journals are read while another run may be alive.
const watchInterval = 10 * time.Second

// takeTurn waits until no other rotation of this process works on the user. It reads the user's name if that is not set.
func (r *Rotator) takeTurn(ctx context.Context, in *Intent) (release func(), err error) {
	if in.UserName == "" {
		s, err := r.cached().read(ctx, in.Target, "", ScopeHolders)
		if err != nil {
			return nil, err
		}
		if s.Set == nil {
			return nil, credentialsNotFound(in.Target)
		}
		in.UserName = s.Owner
		nameUser(ctx, in.UserName)
	}
	if release, err = r.users.take(ctx, in.UserName); err != nil {
		return nil, stopped(err, WorldUntouched)
	}
	return release, nil
}

// settle reads and decides, and repeats both as long as another run may be alive. A snapshot is not of one moment: another run may
// have made its cutover meanwhile, or served holders that look stale. So a refusal, and stale holders of a rotation that is
// resumed, count only if the next snapshot shows the same.
func (r *Rotator) settle(ctx context.Context, in Intent) (*Snapshot, Decision, error) {
	for doubted := ActionNone; ; {
		s, decision, err := r.decide(ctx, r.fresh(), in, "", ScopeAll)
		isDoubtful := decision.Action == ActionRefuse || decision.Action == ActionResume && len(decision.Stale) > 0
		switch {
		case isDoubtful && doubted != decision.Action:
			doubted = decision.Action
			continue
		case err != nil || decision.Action != ActionWait:
			return s, decision, err
		}
		doubted = ActionNone
		if err := r.watch(ctx, s.User, decision.Until); err != nil {
			return nil, Decision{}, err
		}
	}
}

// watch waits until a time, or until the journals of a user change.
func (r *Rotator) watch(ctx context.Context, user User, until time.Time) error {
	step(ctx, "another rotation of the same key may still run; waiting for its end", "until", until.Format(time.RFC3339))
	for now := r.Now(); now.Before(until); now = r.Now() {
		if err := r.clock.Sleep(ctx, min(watchInterval, until.Sub(now))); err != nil {
			return stopped(err, WorldUntouched)
		}
		seen, err := r.iam.User(ctx, user.Name)
		if err != nil || !maps.Equal(seen.Tags, user.Tags) {
			return err
		}
	}
	return nil
}
