package rotation

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Record is what Terraform's state has about credentials and their last rotation.
type Record struct {
	UserName, UserARN string
	// AccessKeyID is the key that Qovery holds.
	AccessKeyID        string
	AccessKeyCreatedAt time.Time
	// PreviousAccessKeyID is the key that was replaced. It is empty if none was.
	PreviousAccessKeyID string
	// RotatedAt is the cutover. DeployedAt and DrainEndsAt are zero until every cluster is deployed.
	RotatedAt, DeployedAt, DrainEndsAt time.Time
	// DrainWindow is the one that was in force for PreviousAccessKeyID until now.
	DrainWindow time.Duration
	// Unfinished is true if the cutover is done and something is left to do for the rotation.
	Unfinished bool
	// HeldKeyID is the key that a cleanup holds, so that no rotation can have its place. It is empty if there is none. Only a refresh
	// for a rotation that is asked for finds that out.
	HeldKeyID string
	// DeployedClusters are the clusters that run with the key of an unfinished rotation.
	DeployedClusters []string
	// Clusters use the credentials, and Holders store the current key.
	Clusters []Cluster
	Holders  []Holder
}

// PhaseAt is the attribute "phase" at a time.
func (r Record) PhaseAt(now time.Time) Phase { return r.stageAt(now).Phase() }

// recordOf is the record of credentials in which nothing was rotated.
func recordOf(s *Snapshot) Record {
	r := Record{
		UserName: s.Owner, UserARN: s.User.ARN, AccessKeyID: s.Set.AccessKeyID, Clusters: s.Set.Clusters,
		Holders: listedHolders(s.HoldersOf(s.Set.AccessKeyID)),
	}
	if s.Current != nil {
		r.AccessKeyCreatedAt = s.Current.CreatedAt
	}
	return r
}

// withRotation returns the record with a rotation.
func (r Record) withRotation(j Journal) Record {
	r.PreviousAccessKeyID, r.RotatedAt, r.DeployedAt, r.DrainEndsAt = j.From, j.CutoverAt, j.deployedAt(), j.drainEndsAt()
	r.Unfinished = r.DeployedAt.IsZero()
	return r
}

// Refresh brings a record up to date. It needs one question per organization and kind of object, one per IAM user, and more if
// Qovery holds another key than the recorded one, or if the intent asks for a rotation and the user has a second key. The Problem
// is a warning. If the credentials do not exist, it returns [ErrNotFound].
func (r *Rotator) Refresh(ctx context.Context, in Intent) (*Record, *Problem, error) {
	s, err := r.cached().read(ctx, in.Target, in.Record.AccessKeyID, ScopeHolders)
	if err != nil {
		return nil, nil, err
	}
	if s.Set == nil {
		return nil, nil, credentialsNotFound(in.Target)
	}
	if s.Set.Type != CredentialsTypeStatic {
		return nil, nil, NotStatic(*s.Set)
	}
	if s.JournalError != nil {
		return nil, nil, unknownJournal(s.User.Name, in.CredentialsID, s.JournalError)
	}
	if in.Rotate && s.User.Name == "" && len(s.Keys) > 1 {
		if s.User, err = r.cached().iam.User(ctx, in.UserName); err != nil {
			return nil, nil, err
		}
		s.Journal, s.OtherJournals, _ = journalsOf(s.User, in.CredentialsID)
	}
	v := view{now: r.Now(), Intent: in, Snapshot: s}
	record, warning := v.refreshed()
	if warning != nil && warning.Summary == SummaryKeyReplaced {
		warning.Cause += r.lastChange(ctx, in.Target)
	}
	return &record, warning, nil
}

// lastChange is a sentence about who changed the credentials last. It is empty if the API token may not read that: a warning
// does not fail because of it.
func (r *Rotator) lastChange(ctx context.Context, target Target) string {
	change, err := r.qovery.LastCredentialsChange(ctx, target.OrganizationID, target.CredentialsID)
	if err != nil || change.By == "" {
		return ""
	}
	return fmt.Sprintf(" Qovery's last event about these credentials is a change by %q (%s) at %s.", change.By, change.Origin,
		change.At.UTC().Format(time.RFC3339))
}

// refreshed is the record of the state, brought up to date with the snapshot.
func (v view) refreshed() (Record, *Problem) {
	known, seen := *v.Record, recordOf(v.Snapshot)
	r, warning := known, (*Problem)(nil)
	r.AccessKeyID, r.AccessKeyCreatedAt, r.Clusters, r.Holders = seen.AccessKeyID, seen.AccessKeyCreatedAt, seen.Clusters, seen.Holders
	if v.Owner != "" {
		r.UserName = v.Owner
	}
	if r.UserARN == "" {
		r.UserARN = seen.UserARN
	}
	if known.AccessKeyID != r.AccessKeyID {
		r, warning = v.replaced(r, known)
	}
	if key := v.key(r.PreviousAccessKeyID); key != nil && key.Active && v.isListed(key.ID) {
		r.Unfinished = true // The next apply makes it Inactive.
	}
	for _, key := range v.Keys {
		if key.ID != v.Set.AccessKeyID && v.isHeld(key.ID) && !v.isListed(key.ID) {
			r.HeldKeyID = key.ID
		}
	}
	if v.isDead() {
		warning = v.cutOffNow()
	}
	return r, warning
}

// replaced is the record of credentials that hold another key than the recorded one.
func (v view) replaced(r, known Record) (Record, *Problem) {
	own := v.Journal != nil && v.Journal.To == r.AccessKeyID
	j, found := v.rotation()
	switch {
	case found && own && known.AccessKeyID == "": // A state that was lost, or an import.
		return r.withRotation(j), nil
	case found && own:
		// The state does not have the rotation. The next update records it, and it is then the one that changed triggers ask for.
		r = r.withRotation(j)
		r.Unfinished = true
		return r, nil
	case found && j.From == known.AccessKeyID && j.deployedAt().IsZero():
		return r.withRotation(j), nil
	case found && j.From == known.AccessKeyID:
		// Another resource rotated the shared key and deployed all clusters. The previous key belongs to that resource.
		return r, nil
	case v.key(known.AccessKeyID) != nil:
		r = r.withRotation(Journal{From: known.AccessKeyID, To: r.AccessKeyID, Stage: StageDeploying})
		return r, v.keyReplaced(known.AccessKeyID)
	case known.PreviousAccessKeyID == r.AccessKeyID || v.key(known.PreviousAccessKeyID) == nil:
		return Record{
			UserName: r.UserName, UserARN: r.UserARN, AccessKeyID: r.AccessKeyID, AccessKeyCreatedAt: r.AccessKeyCreatedAt,
			Clusters: r.Clusters, Holders: r.Holders,
		}, nil
	}
	return r, nil
}

// StaticCredentials lists the credentials of an organization that have an access key to rotate.
func (r *Rotator) StaticCredentials(ctx context.Context, organizationID string) ([]CredentialsSet, error) {
	sets, err := r.cached().qovery.Credentials(ctx, organizationID)
	err = notRead(Target{OrganizationID: organizationID}, err)
	return slices.DeleteFunc(slices.Clone(sets), func(set CredentialsSet) bool { return set.Type != CredentialsTypeStatic }), err
}

// Describe reads everything about credentials, and the last use of their current key.
func (r *Rotator) Describe(ctx context.Context, target Target) (*Snapshot, LastUse, error) {
	w := r.cached()
	s, err := w.read(ctx, target, "", ScopeAll)
	if err != nil {
		return nil, LastUse{}, err
	}
	if s.Set == nil {
		return nil, LastUse{}, credentialsNotFound(target)
	}
	if s.Current == nil {
		return s, LastUse{}, nil
	}
	use, err := w.iam.AccessKeyLastUse(ctx, s.Set.AccessKeyID)
	return s, use, err
}
