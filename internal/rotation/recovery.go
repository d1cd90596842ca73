package rotation

import (
	"slices"
	"strings"
	"time"
)

// rotation finds the rotation that gave Qovery its present key: by the journal for these credentials, by one for others that
// share the key, or by the state.
func (v view) rotation() (Journal, bool) {
	for _, j := range v.journals() {
		if j.To != v.Set.AccessKeyID || v.isOver(j) {
			continue
		}
		j.CutoverAt = earliest(j.CutoverAt, j.At)
		if j.Stage != StageDeployed {
			j.Stage = StageDeploying
		}
		j.CredentialsID = v.CredentialsID
		return v.withRecord(j), true
	}
	if r := v.Record; r != nil && r.Unfinished && r.AccessKeyID == v.Set.AccessKeyID {
		j := Journal{CredentialsID: v.CredentialsID, From: r.PreviousAccessKeyID, To: r.AccessKeyID, Stage: StageDeploying, CutoverAt: r.RotatedAt}
		return v.withRecord(j), true
	}
	return Journal{}, false
}

// withRecord adds what the state knows about the same rotation, and the longest drain window that it ever had.
func (v view) withRecord(j Journal) Journal {
	j.DrainWindow = max(j.DrainWindow, v.drainWindowOf(j.From))
	r := v.Record
	if r == nil || r.AccessKeyID != j.To || r.PreviousAccessKeyID != j.From || r.DeployedAt.IsZero() {
		return j
	}
	if j.Stage != StageDeployed {
		j.CutoverAt = earliest(r.RotatedAt, j.At)
		j.Stage, j.At = StageDeployed, r.DeployedAt
	}
	j.DrainWindow = max(j.DrainWindow, r.DrainEndsAt.Sub(j.deployedAt()))
	return j
}

// drainWindowOf is the drain window of a key that is replaced, no shorter than the state remembers it. One that leaked, and one
// that does not work, has nothing to drain.
func (v view) drainWindowOf(accessKeyID string) time.Duration {
	if key := v.key(accessKeyID); key == nil || !key.Active || v.isListed(accessKeyID) {
		return 0
	}
	if r := v.Record; r != nil && r.PreviousAccessKeyID == accessKeyID {
		return max(v.DrainWindow, r.DrainWindow)
	}
	return v.DrainWindow
}

// completed is a snapshot whose journal includes what the state knows about the same rotation: the entry that records the end may have
// been lost.
func (v view) completed() *Snapshot {
	if v.Journal == nil {
		return v.Snapshot
	}
	s, j := *v.Snapshot, v.withRecord(*v.Journal)
	s.Journal = &j
	return &s
}

// isOver reports whether a journal is not needed any more: its rotation is complete, the replaced key is deleted, and no holder
// stores it.
func (v view) isOver(j Journal) bool {
	return j.Stage == StageDeployed && v.key(j.From) == nil && len(v.HoldersOf(slices.Concat(j.Before, []string{j.From})...)) == 0
}

// canResume reports whether there is a rotation that the state does not record as complete, and that needs no repair.
func (v view) canResume() bool {
	j, found := v.rotation()
	if !found || v.needsRepair() || v.isDead() || v.hasLeaked() {
		return false
	}
	r, own := v.Record, v.Journal != nil && v.Journal.To == j.To
	switch {
	case r == nil: // A key that is only adopted is not resumed for another resource's rotation.
		return own || v.Rotate
	case r.AccessKeyID == j.To:
		return r.Unfinished
	default:
		return own || r.AccessKeyID == j.From
	}
}

func (v view) resume() Decision {
	j, _ := v.rotation()
	d := Decision{Action: ActionResume, Rotation: j, Stale: v.stale()}
	if permit, problem := v.place(); problem == nil && permit != nil && permit.reason == ReasonOrphan {
		d.Place = permit
	}
	return d
}

// stale are the holders that should have a new key and do not: those of every other key that the journal or the state
// knows as ours.
func (v view) stale() []Holder {
	if !v.RotateRegistries && !v.hasLeaked() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Holders), func(h Holder) bool {
		ours := v.Journal != nil && v.Journal.names(h.AccessKeyID) || v.Record != nil && v.Record.PreviousAccessKeyID == h.AccessKeyID
		return !ours || h.AccessKeyID == "" || h.AccessKeyID == v.Set.AccessKeyID || !v.serves(h)
	})
}

// serves reports whether a rotation gives a holder its new key. A key that leaked is replaced wherever that is possible.
func (v view) serves(h Holder) bool {
	wanted := v.hasLeaked() || v.RotateRegistries && !slices.Contains(v.IgnoredHolders, h.ID)
	return h.ID == v.CredentialsID || h.rotatable() && wanted
}

// needsRepair reports whether only another rotation can serve the stale holders: the secret of the new key is lost, and the key that
// they store is drained or deleted.
func (v view) needsRepair() bool {
	if len(v.stale()) == 0 {
		return false
	}
	if j, found := v.rotation(); found {
		finished := v.Record != nil && v.Record.AccessKeyID == j.To && !v.Record.Unfinished
		drained := !j.deployedAt().IsZero() && !v.now.Before(j.drainEndsAt())
		return !finished && (drained || v.isListed(j.From))
	}
	return v.Journal != nil && v.Journal.From == v.Set.AccessKeyID && !v.Journal.cutOver() && len(v.Journal.Before) > 0
}

// place finds the user's other key, and the permit to delete it. A user can have two keys only, so it has to go before a new
// one can come.
func (v view) place() (*Permit, *Problem) {
	for _, key := range v.Keys {
		if key.ID == v.Set.AccessKeyID {
			continue
		}
		permit, problem := MayDelete(v.now, v.deletionOf(key), v.Snapshot)
		return &permit, problem
	}
	return nil, nil
}

// deletionOf is the reason for which the user's other key could be deleted. A key without an explanation is treated as an orphan, and
// fails the checks for one.
func (v view) deletionOf(key Key) Deletion {
	d := Deletion{AccessKeyID: key.ID, UserName: v.User.Name, Reason: ReasonOrphan, Heals: v.isDead()}
	for _, holder := range v.stale() {
		if holder.AccessKeyID == key.ID {
			d.Served = append(d.Served, holder.ID)
		}
	}
	drainEndsAt, replaced := v.drainEndOf(key.ID)
	switch {
	case v.isListed(key.ID), v.hasLeaked() && v.isOurs(key.ID):
		d.Reason = ReasonCompromised
	case len(d.Served) > 0:
		d.Reason = ReasonRepair
		d.DeleteAfter, d.RetireAt = drainEndsAt, drainEndsAt
	case replaced:
		d.Reason = ReasonRetired
		// A use after the drain window is a sign that somebody needs the key: it drains again from then on.
		if use := key.LastUse.At; !drainEndsAt.IsZero() && use.After(drainEndsAt) {
			drainEndsAt = use.Add(v.DrainWindow)
		}
		d.DeleteAfter, d.RetireAt = drainEndsAt, drainEndsAt.Add(v.lastUseDelay)
	}
	return d
}

// isOurs reports whether the state or a journal explains a key.
func (v view) isOurs(accessKeyID string) bool {
	return v.Record != nil && v.Record.PreviousAccessKeyID == accessKeyID ||
		slices.ContainsFunc(v.journals(), func(j Journal) bool { return j.names(accessKeyID) })
}

// drainEndOf is the end of the drain window of a key, and whether Qovery's credentials held it before. If only a journal from
// before a cutover names the key, the run that wrote the journal had found it drained.
func (v view) drainEndOf(accessKeyID string) (end time.Time, replaced bool) {
	if r := v.Record; r != nil && r.PreviousAccessKeyID == accessKeyID {
		end, replaced = latest(r.DrainEndsAt, drainEnd(r.DeployedAt, v.drainWindowOf(accessKeyID))), true
	}
	for _, j := range v.journals() {
		switch {
		case j.From == accessKeyID && j.To == v.Set.AccessKeyID:
			j.DrainWindow = max(j.DrainWindow, v.drainWindowOf(accessKeyID))
			end, replaced = latest(end, j.drainEndsAt()), true
		case slices.Contains(j.Before, accessKeyID) && !replaced:
			end, replaced = j.At, true
		case j.To == accessKeyID:
			end = latest(end, j.At) // A key that Qovery's credentials never held does not drain.
		}
	}
	return end, replaced
}

func (v view) rotate() Decision {
	permit, _ := v.place()
	d := Decision{Action: ActionRotate, Place: permit, Stale: v.stale()}
	d.Rotation = Journal{CredentialsID: v.CredentialsID, From: v.Set.AccessKeyID, DrainWindow: v.drainWindowOf(v.Set.AccessKeyID)}
	for _, holder := range d.Stale {
		d.Rotation.Before = append(d.Rotation.Before, holder.AccessKeyID)
	}
	if permit != nil && permit.reason != ReasonOrphan {
		d.Rotation.Before = append(d.Rotation.Before, permit.accessKeyID)
	}
	slices.SortFunc(d.Rotation.Before, strings.Compare)
	d.Rotation.Before = slices.Compact(d.Rotation.Before)
	return d
}

// earliest returns the first time unless it is zero.
func earliest(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}

// requestsForHolders is how many requests to Qovery a rotation needs at least: every holder is read, and then written.
func (v view) requestsForHolders() int {
	served := slices.DeleteFunc(v.HoldersOf(v.Set.AccessKeyID), func(h Holder) bool { return !v.serves(h) })
	return 2 * (len(served) + len(v.stale()))
}

// clusters are those that use the credentials, and those that use others which get the new key too.
func (v view) clusters() []Cluster {
	stale := v.stale()
	return v.clustersOf(func(set CredentialsSet) bool {
		isStale := slices.ContainsFunc(stale, func(h Holder) bool { return h.ID == set.ID })
		isShared := set.AccessKeyID != "" && set.AccessKeyID == v.Set.AccessKeyID
		return set.ID == v.CredentialsID || isStale || isShared && (v.RotateRegistries || v.hasLeaked())
	})
}
