package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// concurrentChanges is how many holders are given the new key at once.
	concurrentChanges = 10
	// holderLimit is what each holder adds to the time in which all holders must be served.
	holderLimit = 2 * time.Second
)

// repair gives the new key to the stale holders. They come before the credentials, because their keys are deleted.
func (a *attempt) repair(ctx context.Context) error {
	if len(a.d.Stale) == 0 {
		return nil
	}
	if err := a.confirm(ctx); err != nil {
		return err
	}
	if err := a.write(ctx, StageStoring, a.key.ID); err != nil {
		return err
	}
	var failed []error
	a.served, failed = a.storeIn(ctx, a.d.Stale)
	a.unclear = slices.ContainsFunc(failed, func(err error) bool { return !IsDefinite(err) })
	// One holder is reason enough for a cutover. The next rotation serves those that are still stale. Without any, there is no
	// cutover.
	if len(a.served) == 0 {
		return a.problem(SummaryHolderNotUpdated, "None of the objects with an older access key accepted the new one.", errors.Join(failed...))
	}
	return nil
}

// cutOver stores the new key in the credentials. An unclear answer is read back until it is clear: a wrong guess would leave
// Qovery with a key that does not exist.
func (a *attempt) cutOver(ctx context.Context) error {
	set := Holder{Kind: HolderCredentials, ID: a.s.Set.ID, Name: a.s.Set.Name, AccessKeyID: a.journal.From}
	var lastErr error
	for n := 1; ; n++ {
		step(ctx, "cutover: storing the new access key in Qovery", "access_key_id", a.key.ID, "attempt", n)
		store, readErr, err := a.prepareCutover(ctx, set)
		if err == nil && readErr == nil {
			err = a.write(ctx, StageStoring, a.key.ID)
		}
		if err != nil && a.unclear && ctx.Err() != nil {
			return a.cutoverUnclear(errors.Join(lastErr, err))
		}
		if err != nil {
			return errors.Join(err, lastErr)
		}
		if lastErr = readErr; readErr == nil {
			once, cancel := a.r.detach(ctx, changeLimit)
			lastErr = store(once)
			cancel()
			a.unclear = a.unclear || lastErr != nil && !IsDefinite(lastErr)
		}
		switch {
		case lastErr == nil:
			a.journal.Stage, a.journal.CutoverAt = StageDeploying, a.r.Now()
			a.journal.At = a.journal.CutoverAt
			step(ctx, "cutover: Qovery holds the new access key", "access_key_id", a.key.ID, "previous_access_key_id", a.journal.From)
			return nil
		case IsDefinite(lastErr) && !isPassing(lastErr):
			return a.problem(SummaryRefused, fmt.Sprintf("Qovery did not accept the new access key %s for the credentials %q.",
				a.key.ID, a.s.Set.Name), lastErr)
		}
		setback(ctx, "Qovery did not confirm the new access key", "access_key_id", a.key.ID, "attempt", n, "error", lastErr.Error())
		// If the time is over, the beginning of the loop returns the error.
		_ = a.r.clock.Sleep(ctx, retryInterval)
	}
}

// prepareCutover reads the credentials in parallel with the last checks. readErr is a failure to read them, which may pass.
func (a *attempt) prepareCutover(ctx context.Context, set Holder) (store func(context.Context) error, readErr, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.confirm(ctx) })
	group.Go(func() error {
		store, readErr = a.r.qovery.PrepareStore(ctx, a.in.OrganizationID, set, a.key)
		return nil
	})
	err = group.Wait()
	return store, readErr, err
}

// propagate stores the new key in the other holders, and then records the cutover: until then, other runs wait for the holders. A
// canceled apply does not interrupt it, because the secret is lost afterwards. It returns the holders that have the new key, and
// those that should have it and do not, with the reasons.
func (a *attempt) propagate(ctx context.Context) (served, stale []Holder, refusals error) {
	var others []Holder
	for _, holder := range slices.Concat(a.d.Stale, a.s.HoldersOf(a.journal.From)) {
		isServed := slices.ContainsFunc(a.served, func(h Holder) bool { return h.ID == holder.ID && h.Kind == holder.Kind })
		if holder.ID != a.s.Set.ID && a.view().serves(holder) && !isServed {
			others = append(others, holder)
		}
	}
	ctx, cancel := a.r.detach(ctx, finishLimit+time.Duration(len(others))*holderLimit)
	defer cancel()
	served, failed := a.storeIn(ctx, others)
	if err := a.r.writeJournal(ctx, a.s.User.Name, a.journal); err != nil {
		setback(ctx, "the journal could not be written; the key that Qovery holds proves the cutover", "error", err.Error())
	}
	set := Holder{Kind: HolderCredentials, ID: a.s.Set.ID, Name: a.s.Set.Name, AccessKeyID: a.key.ID}
	served = slices.Concat([]Holder{set}, a.served, served)
	stale = slices.DeleteFunc(others, func(h Holder) bool {
		return slices.ContainsFunc(served, func(s Holder) bool { return s.ID == h.ID && s.Kind == h.Kind })
	})
	return served, stale, errors.Join(failed...)
}

// storeIn stores the new key in holders, in parallel. Registries come first, because every deployment logs in to one. It
// returns the holders that accepted the key, and the errors of the others.
func (a *attempt) storeIn(ctx context.Context, holders []Holder) (served []Holder, failed []error) {
	holders = slices.SortedStableFunc(slices.Values(holders), func(x, y Holder) int {
		return cmp.Compare(x.Kind.order(), y.Kind.order())
	})
	errs := make([]error, len(holders))
	var group errgroup.Group
	group.SetLimit(concurrentChanges)
	for i, holder := range holders {
		group.Go(func() error {
			errs[i] = a.store(ctx, holder)
			return nil
		})
	}
	_ = group.Wait()
	for i, holder := range holders {
		if errs[i] == nil {
			holder.AccessKeyID = a.key.ID
			served = append(served, holder)
		}
	}
	return served, slices.DeleteFunc(errs, func(err error) bool { return err == nil })
}

// order sorts the kinds of holders in which the new key is stored.
func (k HolderKind) order() int {
	if k == HolderContainerRegistry {
		return 0
	}
	return 1
}

// store stores the new key in one holder. It repeats the request while a failure may pass.
func (a *attempt) store(ctx context.Context, holder Holder) error {
	for n := 1; ; n++ {
		store, err := a.r.qovery.PrepareStore(ctx, a.in.OrganizationID, holder, a.key)
		if err == nil {
			once, cancel := a.r.detach(ctx, changeLimit)
			err = store(once)
			cancel()
		}
		if err == nil {
			step(ctx, "stored the new access key", "holder_kind", string(holder.Kind), "holder_id", holder.ID, "holder_name", holder.Name)
			return nil
		}
		setback(ctx, "the new access key could not be stored in a holder", "holder_kind", string(holder.Kind), "holder_id", holder.ID,
			"holder_name", holder.Name, "attempt", n, "error", err.Error())
		if !isPassing(err) {
			return err
		}
		if waitErr := a.r.clock.Sleep(ctx, retryInterval); waitErr != nil {
			return err
		}
	}
}
