package rotation

import (
	"slices"
	"strings"
	"time"
)

// rotation finds the rotation that gave Qovery its current key. It looks in the journal for these credentials, in the journals
// for others that share the key, and in the state.
func (v view) rotation() (Journal, bool) {
	for _, j := range v.journals() {
		if j.To != v.Set.AccessKeyID || v.isOver(j) {
			continue
		}
		j.CutoverAt = firstNonZero(j.CutoverAt, j.At)
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

// withRecord adds to a journal what the state knows about the same rotation, and the longest drain window that it ever had.
func (v view) withRecord(j Journal) Journal {
	j.DrainWindow = max(j.DrainWindow, v.drainWindowOf(j.From))
	r := v.Record
	if r == nil || r.AccessKeyID != j.To || r.PreviousAccessKeyID != j.From || r.DeployedAt.IsZero() {
		return j
	}
	if j.Stage != StageDeployed {
		j.CutoverAt = firstNonZero(r.RotatedAt, j.At)
		j.Stage, j.At = StageDeployed, r.DeployedAt
	}
	j.DrainWindow = max(j.DrainWindow, r.DrainEndsAt.Sub(j.deployedAt()))
	return j
}

// drainWindowOf is the drain window of a key that is replaced, and at least the one in the state. It is zero for a key that
// leaked or does not work.
func (v view) drainWindowOf(accessKeyID string) time.Duration {
	if key := v.key(accessKeyID); key == nil || !key.Active || v.isListed(accessKeyID) {
		return 0
	}
	if r := v.Record; r != nil && r.PreviousAccessKeyID == accessKeyID {
		return max(v.DrainWindow, r.DrainWindow)
	}
	return v.DrainWindow
}

// snapshotWithRecord is the snapshot with what the state knows added to its journal. The journal's entry about the end of the
// rotation may have been lost.
func (v view) snapshotWithRecord() *Snapshot {
	if v.Journal == nil {
		return v.Snapshot
	}
	s, j := *v.Snapshot, v.withRecord(*v.Journal)
	s.Journal = &j
	return &s
}

// isOver reports whether a journal is not needed any more. Its rotation is complete, the replaced key is deleted, and no holder
// stores that key or an older one.
func (v view) isOver(j Journal) bool {
	return j.Stage == StageDeployed && v.key(j.From) == nil && len(v.HoldersOf(slices.Concat(j.Before, []string{j.From})...)) == 0
}

// canResume reports whether there is a rotation that the state does not record as complete and that needs no repair. A key that
// does not work, or leaked, is replaced instead.
func (v view) canResume() bool {
	j, found := v.rotation()
	if !found || v.needsRepair() || v.isDead() || v.hasLeaked() {
		return false
	}
	r, own := v.Record, v.Journal != nil && v.Journal.To == j.To
	switch {
	case r == nil: // An adoption leaves the rotation of another resource to that resource.
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

// stale are the holders that should have a new key and store an older one, which the journal or the state explains.
func (v view) stale() []Holder {
	if !v.RotateRegistries && !v.hasLeaked() {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(v.Holders), func(h Holder) bool {
		ours := v.Journal != nil && v.Journal.names(h.AccessKeyID) || v.Record != nil && v.Record.PreviousAccessKeyID == h.AccessKeyID
		return !ours || h.AccessKeyID == "" || h.AccessKeyID == v.Set.AccessKeyID || !v.serves(h)
	})
}

// serves reports whether a rotation gives its new key to a holder. A key that leaked is replaced wherever that is possible.
func (v view) serves(h Holder) bool {
	wanted := v.hasLeaked() || v.RotateRegistries && !slices.Contains(v.IgnoredHolders, h.ID)
	return h.ID == v.CredentialsID || h.rotatable() && wanted
}

// needsRepair reports whether it is time for the rotation that serves the stale holders: the key that they store is drained,
// compromised or deleted. The secret of the current key is lost, so they need another one.
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

// place returns the permit to delete the user's other key, or the reason why that key stays. Both are nil if there is no other
// key. A user can have two keys, so the other one must be deleted before a new one can be created.
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

// deletionOf asks for the deletion of the user's other key, with the reason that fits it. An unexplained key is asked for as an
// orphan, and fails the checks of that reason.
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
		// A use after the drain window shows that somebody needs the key. It drains again from then on.
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

// drainEndOf is the end of the drain window of a key, and whether Qovery's credentials held it before. A key that is only in
// Before of a journal was drained when the journal was written.
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
		case j.To == accessKeyID && !replaced:
			end = j.At // Qovery's credentials never held it, so it does not drain.
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

// firstNonZero returns the first time, or the second one if the first is zero.
func firstNonZero(at, otherwise time.Time) time.Time {
	if at.IsZero() {
		return otherwise
	}
	return at
}

// requestsForHolders is the minimum number of requests to Qovery for the holders: each is read, and then written.
func (v view) requestsForHolders() int {
	served := slices.DeleteFunc(v.HoldersOf(v.Set.AccessKeyID), func(h Holder) bool { return !v.serves(h) })
	return 2 * (len(served) + len(v.stale()))
}

// clusters are the clusters of the credentials, and of all others that get the new key.
func (v view) clusters() []Cluster {
	stale := v.stale()
	return v.clustersOf(func(set CredentialsSet) bool {
		isStale := slices.ContainsFunc(stale, func(h Holder) bool { return h.ID == set.ID })
		isShared := set.AccessKeyID != "" && set.AccessKeyID == v.Set.AccessKeyID
		return set.ID == v.CredentialsID || isStale || isShared && (v.RotateRegistries || v.hasLeaked())
	})
}
