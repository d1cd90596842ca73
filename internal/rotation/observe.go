package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// concurrentReads bounds how many requests one observation has under way about as many objects.
const concurrentReads = 20

// Target names what is rotated: a credentials set in Qovery, and the IAM user that owns its access key.
type Target struct {
	OrganizationID string
	CredentialsID  string
	// UserName may be empty: the owner of Qovery's key is rotated then.
	UserName string
}

// OtherKey is an access key of the IAM user that Qovery's credentials do not hold.
type OtherKey struct {
	AccessKey
	LastUse LastUse
}

// dnsHolders asks for the DNS provider of every cluster; there is no list of them.
func dnsHolders(ctx context.Context, q Qovery, clusters []Cluster) ([]Holder, error) {
	found := make([]*Holder, len(clusters))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentReads)
	for i, cluster := range clusters {
		group.Go(func() (err error) {
			found[i], err = q.ClusterDNSProvider(ctx, cluster.ID)
			return err
		})
	}
	err := group.Wait()
	var holders []Holder
	for _, holder := range found {
		if holder != nil {
			holders = append(holders, *holder)
		}
	}
	return holders, err
}

// secretManagerHolders are the secret-manager accesses of the clusters that store an access key.
func secretManagerHolders(clusters []Cluster) []Holder {
	var holders []Holder
	for _, cluster := range clusters {
		holders = append(holders, cluster.SecretManagerKeys...)
	}
	return holders
}

// Observation is the world as it was just before a decision.
type Observation struct {
	Organization Organization
	// Set is the credentials set that is rotated.
	Set CredentialsSet
	// Owner is the IAM user that AWS names as the owner of Qovery's key; empty when AWS does not know the key.
	Owner string
	User  User
	// Current is Qovery's key as the user's list shows it; nil when it is not there.
	Current *AccessKey
	Others  []OtherKey
	// Journal is the one for these credentials, if any; OtherJournals belong to other credentials of the same user.
	Journal       *Journal
	OtherJournals []Journal
	// SignsWithCurrent is true when the provider's own requests are signed with Qovery's key.
	SignsWithCurrent bool
	// Holders are all objects of the organization that store any AWS access key, this set included.
	Holders []Holder
	// Clusters are those that use the set, or another one that holds the same key and is rotated with it.
	Clusters []Cluster
	// Statuses are by cluster id; nil when they were not read.
	Statuses map[string]ClusterStatus
}

// HoldersOf returns the holders that store one of the given keys.
func (o *Observation) HoldersOf(accessKeyIDs ...string) []Holder {
	var found []Holder
	for _, holder := range o.Holders {
		if slices.Contains(accessKeyIDs, holder.AccessKeyID) {
			found = append(found, holder)
		}
	}
	return found
}

// listedHolders are those that Qovery lists for a whole organization, so that a refresh finds the same.
func (o *Observation) listedHolders(accessKeyID string) []Holder {
	return slices.DeleteFunc(o.HoldersOf(accessKeyID), func(h Holder) bool {
		return h.Kind == HolderDNSProvider || h.Kind == HolderSecretManager
	})
}

// Forecast is what a rotation would touch if it began now.
type Forecast struct {
	// Carried holders get the new key. LeftBehind ones keep the old one, and nobody said that they may.
	Carried, LeftBehind []Holder
	// Deployed are the clusters that are not off.
	Deployed []Cluster
}

// Forecast tells what a rotation would touch.
func (o *Observation) Forecast(req Request, d Decision) Forecast {
	f := Forecast{Carried: o.lagging(req, o.Set.AccessKeyID, d.Previous, d.Drained)}
	for _, holder := range o.HoldersOf(o.Set.AccessKeyID) {
		switch {
		case holder.ID == o.Set.ID:
			f.Carried = append([]Holder{holder}, f.Carried...)
		case !slices.Contains(f.Carried, holder) && !slices.Contains(req.IgnoredHolders, holder.ID):
			f.LeftBehind = append(f.LeftBehind, holder)
		}
	}
	for _, cluster := range o.Clusters {
		if !isLeftAlone(o.Statuses[cluster.ID]) {
			f.Deployed = append(f.Deployed, cluster)
		}
	}
	return f
}

// credentialsHolders are the credentials sets among the holders.
func credentialsHolders(sets []CredentialsSet) []Holder {
	var holders []Holder
	for _, set := range sets {
		if set.AccessKeyID == "" {
			continue
		}
		kind := HolderCredentials
		if set.Type != CredentialsTypeStatic {
			kind = HolderVSphereCredentials
		}
		holders = append(holders, Holder{Kind: kind, ID: set.ID, Name: set.Name, AccessKeyID: set.AccessKeyID})
	}
	return holders
}

// sources are where an observation comes from.
type sources struct {
	iam    IAM
	qovery Qovery
	// statuses is nil when the statuses of clusters do not matter.
	statuses statusReader
	// dnsProviders asks every cluster for its DNS provider. There is no list of them, and they can only keep a rotation from
	// being planned, so plans ask; Terraform plans once more right before it applies.
	dnsProviders bool
}

// observe reads everything that a rotation is decided from, side by side as far as one answer does not depend on another.
func observe(ctx context.Context, s sources, req Request) (*Observation, error) {
	iam, q := s.iam, s.qovery
	o := &Observation{}
	var (
		sets             []CredentialsSet
		clusters         []Cluster
		registries, helm []Holder
		dns              []Holder
		keys             []AccessKey
	)
	group, gctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		o.Organization, err = q.Organization(gctx, req.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		sets, err = q.Credentials(gctx, req.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		if clusters, err = q.Clusters(gctx, req.OrganizationID); err != nil || !s.dnsProviders {
			return err
		}
		dns, err = dnsHolders(gctx, q, clusters)
		return err
	})
	if s.statuses != nil {
		group.Go(func() error {
			list, err := s.statuses.read(gctx, req.OrganizationID)
			o.Statuses = make(map[string]ClusterStatus, len(list))
			for _, status := range list {
				o.Statuses[status.ClusterID] = status
			}
			return err
		})
	}
	group.Go(func() (err error) {
		registries, err = q.ContainerRegistries(gctx, req.OrganizationID)
		return err
	})
	group.Go(func() (err error) {
		helm, err = q.HelmRepositories(gctx, req.OrganizationID)
		return err
	})
	if req.UserName != "" {
		group.Go(func() (err error) {
			keys, err = o.readUser(gctx, iam, req.UserName)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, notRead(req.Target, err)
	}

	i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == req.CredentialsID })
	if i < 0 {
		return nil, credentialsNotFound(req.Target)
	}
	o.Set = sets[i]
	if o.Set.Type == CredentialsTypeStatic {
		if err := o.observeKeys(ctx, iam, req.Target, keys); err != nil {
			return nil, err
		}
	}
	o.Holders = slices.Concat(credentialsHolders(sets), registries, helm, dns, secretManagerHolders(clusters))
	o.Clusters = clustersOf(sets, clusters, func(set CredentialsSet) bool {
		return set.ID == o.Set.ID || req.RotateRegistries && set.AccessKeyID != "" && set.AccessKeyID == o.Set.AccessKeyID
	})
	return o, nil
}

// readUser reads a user with its tags, and its keys.
func (o *Observation) readUser(ctx context.Context, iam IAM, userName string) (keys []AccessKey, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		o.User, err = iam.User(ctx, userName)
		return err
	})
	group.Go(func() (err error) {
		keys, err = iam.AccessKeys(ctx, userName)
		return err
	})
	err = group.Wait()
	if errors.Is(err, ErrNotFound) {
		return nil, &Problem{
			Summary: SummaryUserNotFound,
			Cause:   fmt.Sprintf("AWS has no IAM user %q in the account that the provider uses.", userName),
			World:   worldUntouched,
			Advice: "correct iam_user_name or leave it out, and check that the provider's AWS credentials are of the " +
				"account that the key belongs to.",
			Argument: ArgumentIAMUserName,
			Err:      err,
		}
	}
	return keys, err
}

// observeKeys finds the owner of Qovery's key and tells that key from the user's others.
func (o *Observation) observeKeys(ctx context.Context, iam IAM, target Target, keys []AccessKey) (err error) {
	current := o.Set.AccessKeyID
	if o.SignsWithCurrent, err = iam.SignsWith(ctx, current); err != nil {
		return err
	}
	if findKey(keys, current) == nil {
		use, err := iam.AccessKeyLastUse(ctx, current)
		switch {
		case err == nil:
			o.Owner = use.UserName
		case errors.Is(err, ErrNotFound), errors.Is(err, ErrForbidden) && target.UserName != "":
			// AWS answers either way for a key that is gone or belongs to another account.
			return nil
		default:
			return err
		}
		if target.UserName != "" || o.Owner == "" {
			return nil
		}
		if keys, err = o.readUser(ctx, iam, o.Owner); err != nil {
			return err
		}
	}
	o.Owner = o.User.Name
	for _, key := range keys {
		if key.ID == current {
			o.Current = &key
			continue
		}
		use, err := iam.AccessKeyLastUse(ctx, key.ID)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		o.Others = append(o.Others, OtherKey{AccessKey: key, LastUse: use})
	}
	if o.Journal, o.OtherJournals, err = journalsOf(o.User, target.CredentialsID); err != nil {
		return foreignJournal(o.User, target, err)
	}
	return nil
}

// foreignJournal is the problem that the journal's tag holds something else.
func foreignJournal(user User, target Target, err error) *Problem {
	return &Problem{
		Summary: SummaryForeignJournal,
		Cause:   err.Error() + ".",
		World:   worldUntouched,
		Advice: fmt.Sprintf("find out who wrote the tag, and remove it if nobody needs it: "+
			"aws iam untag-user --user-name %s --tag-keys %s", user.Name, journalTagKey(target.CredentialsID)),
		Argument: ArgumentIAMUserName,
	}
}

// credentialsNotFound is the problem that a target's credentials are not in its organization.
func credentialsNotFound(target Target) *Problem {
	return &Problem{
		Summary:  SummaryCredentialsNotFound,
		Cause:    fmt.Sprintf("Organization %s has no credentials %s.", target.OrganizationID, target.CredentialsID),
		World:    worldUntouched,
		Advice:   "correct the ids; Qovery shows them in the organization's settings, under Cloud credentials.",
		Argument: ArgumentCredentialsID,
		Err:      ErrNotFound,
	}
}

// notRead tells why the lists of an organization could not be read. That one of them is not found means that Qovery knows no
// organization with the target's id. It does not mean that the credentials are gone: another API, or a token of another
// organization, answers the same.
func notRead(target Target, err error) error {
	if _, told := errors.AsType[*Problem](err); told || !errors.Is(err, ErrNotFound) {
		return err
	}
	return &Problem{
		Summary:  SummaryOrganizationNotFound,
		Cause:    fmt.Sprintf("Qovery knows no organization %s, or does not show it to this token.", target.OrganizationID),
		World:    worldUntouched,
		Advice:   "correct the id, or check api_token and api_url. If the organization was deleted, remove the resource with terraform state rm.",
		Argument: ArgumentOrganizationID,
		Err:      err,
	}
}

// clustersOf joins the clusters of the chosen credentials sets with what the list of clusters knows of them.
func clustersOf(sets []CredentialsSet, all []Cluster, chosen func(CredentialsSet) bool) []Cluster {
	var clusters []Cluster
	for _, set := range sets {
		if !chosen(set) {
			continue
		}
		for _, cluster := range set.Clusters {
			if i := slices.IndexFunc(all, func(c Cluster) bool { return c.ID == cluster.ID }); i >= 0 {
				cluster = all[i]
			}
			clusters = append(clusters, cluster)
		}
	}
	slices.SortFunc(clusters, func(a, b Cluster) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(clusters, func(a, b Cluster) bool { return a.ID == b.ID })
}
