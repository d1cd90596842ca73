package rotation

import (
	"context"
	"errors"
	"slices"

	"golang.org/x/sync/errgroup"
)

// Inspection is what a refresh needs to know.
type Inspection struct {
	Set CredentialsSet
	// UserName is the owner of Qovery's key; empty when AWS does not know the key.
	UserName string
	// Keys are all keys of that user, and Current is Qovery's among them; nil when the user does not have it.
	Keys    []AccessKey
	Current *AccessKey
	// Journal is the one for these credentials. It is read only when Qovery's key is not the known one.
	Journal *Journal
	// Holders are the objects of the organization that store Qovery's key, the credentials included.
	Holders []Holder
}

// Inspect reads the target for a refresh: one question per organization and kind of object, and one per IAM user. Another
// key in Qovery than the known one raises more. Credentials that do not exist are [ErrNotFound].
func (r *Rotator) Inspect(ctx context.Context, target Target, knownAccessKeyID string) (*Inspection, error) {
	q, iam := cachedQovery{r.qovery, r.reads}, cachedIAM{r.iam, r.reads}
	var (
		sets             []CredentialsSet
		registries, helm []Holder
		keys             []AccessKey
	)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		sets, err = q.Credentials(gctx, target.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		registries, err = q.ContainerRegistries(gctx, target.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		helm, err = q.HelmRepositories(gctx, target.OrganizationID)
		return err
	})
	if target.UserName != "" {
		group.Go(func() (err error) {
			if keys, err = iam.AccessKeys(gctx, target.UserName); errors.Is(err, ErrNotFound) {
				return nil
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, notRead(target, err)
	}
	i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == target.CredentialsID })
	if i < 0 {
		return nil, credentialsNotFound(target)
	}
	inspection := &Inspection{Set: sets[i]}
	if inspection.Set.Type != CredentialsTypeStatic {
		return inspection, nil
	}
	current := inspection.Set.AccessKeyID
	for _, holder := range slices.Concat(credentialsHolders(sets), registries, helm) {
		if holder.AccessKeyID == current {
			inspection.Holders = append(inspection.Holders, holder)
		}
	}
	if err := inspection.findOwner(ctx, iam, target.UserName, keys); err != nil {
		return nil, err
	}
	if inspection.UserName == "" || current == knownAccessKeyID {
		return inspection, nil
	}
	user, err := iam.User(ctx, inspection.UserName)
	if err != nil {
		return nil, err
	}
	if inspection.Journal, _, err = journalsOf(user, target.CredentialsID); err != nil {
		return nil, foreignJournal(user, target, err)
	}
	return inspection, nil
}

// findOwner looks for Qovery's key among the keys of the named user, and else asks AWS for its owner.
func (i *Inspection) findOwner(ctx context.Context, iam IAM, userName string, keys []AccessKey) error {
	current := i.Set.AccessKeyID
	if i.Current = findKey(keys, current); i.Current != nil {
		i.UserName, i.Keys = userName, keys
		return nil
	}
	use, err := iam.AccessKeyLastUse(ctx, current)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) && userName != "" {
		return nil
	}
	if err != nil {
		return err
	}
	i.UserName = use.UserName
	if i.Keys, err = iam.AccessKeys(ctx, use.UserName); err != nil {
		return err
	}
	i.Current = findKey(i.Keys, current)
	return nil
}

// FindAccessKey returns a key as the user's list shows it in a refresh; nil when it is not there.
func (r *Rotator) FindAccessKey(ctx context.Context, userName, accessKeyID string) (*AccessKey, error) {
	keys, err := cachedIAM{r.iam, r.reads}.AccessKeys(ctx, userName)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, err
	}
	return findKey(keys, accessKeyID), nil
}

// findKey returns a key of a list, or nil.
func findKey(keys []AccessKey, accessKeyID string) *AccessKey {
	i := slices.IndexFunc(keys, func(key AccessKey) bool { return key.ID == accessKeyID })
	if i < 0 {
		return nil
	}
	return &keys[i]
}

// cached are the sources of refreshes and plans.
func (r *Rotator) cached() sources {
	return sources{iam: cachedIAM{r.iam, r.reads}, qovery: cachedQovery{r.qovery, r.reads}}
}

// Preflight decides a request for a plan, from the same facts and by the same rules as [Rotator.Rotate] will. It changes
// nothing and returns what a rotation would start from. For the adoption of a key it asks for nothing about clusters but
// their list.
func (r *Rotator) Preflight(ctx context.Context, req Request) (*Observation, Decision, error) {
	s := r.cached()
	if req.Rotate || req.Record != nil {
		s.statuses, s.dnsProviders = planStatuses{r.statuses, s.qovery}, true
	}
	o, err := observe(ctx, s, req)
	if err != nil {
		return nil, Decision{}, err
	}
	if done, ok := r.finished.by(o.Set.AccessKeyID); ok && supersedes(done, req.Record) || r.users.taken(o.User.Name) {
		// Another resource of this run has rotated the same key, or is at it; this one waits its turn and decides then.
		return o, Decision{}, nil
	}
	decision, err := Decide(r.Now(), req, o, nil)
	return o, decision, err
}

// Describe reads everything that can be told about credentials, for reports. Credentials without an access key are
// described as far as that goes. The last use of the current key comes with it.
func (r *Rotator) Describe(ctx context.Context, target Target) (*Observation, LastUse, error) {
	s := r.cached()
	s.statuses, s.dnsProviders = planStatuses{r.statuses, s.qovery}, true
	o, err := observe(ctx, s, Request{Target: target})
	if err != nil || o.Current == nil {
		return o, LastUse{}, err
	}
	use, err := s.iam.AccessKeyLastUse(ctx, o.Current.ID)
	return o, use, err
}

// StaticCredentials lists those credentials of an organization that have an access key to rotate.
func (r *Rotator) StaticCredentials(ctx context.Context, organizationID string) ([]CredentialsSet, error) {
	sets, err := cachedQovery{r.qovery, r.reads}.Credentials(ctx, organizationID)
	err = notRead(Target{OrganizationID: organizationID}, err)
	return slices.DeleteFunc(slices.Clone(sets), func(set CredentialsSet) bool { return set.Type != CredentialsTypeStatic }), err
}
