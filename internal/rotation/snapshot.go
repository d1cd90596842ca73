package rotation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// concurrentReads bounds how many requests one snapshot has under way about as many objects.
const concurrentReads = 20

// Target names what is rotated: a credentials set in Qovery, and the IAM user that owns its access key.
type Target struct {
	OrganizationID string
	CredentialsID  string
	// UserName may be empty: the owner of Qovery's key is rotated then.
	UserName string
	// UserARN is the ARN of the user that a state recorded; empty when none did. Its account is the only one in which that a
	// key is missing means that it is gone.
	UserARN string
}

// Scope says how much of the world a snapshot shows. Each scope includes those before it.
type Scope int

// The scopes.
const (
	// ScopeKeys is the list of the user's access keys: enough to refresh a cleanup.
	ScopeKeys Scope = iota
	// ScopeHolders adds the holders that Qovery lists for a whole organization, the owner of Qovery's key, and the user
	// with its journals when the state does not explain what is there: enough to refresh and to adopt credentials.
	ScopeHolders
	// ScopeAll adds everything that a change is decided from.
	ScopeAll
)

// Key is an access key of the IAM user.
type Key struct {
	AccessKey
	// LastUse is read for keys that Qovery's credentials do not hold.
	LastUse LastUse
	// Signs is true when the provider's own requests are signed with the key.
	Signs bool
}

// Snapshot is the world as it was just before a decision.
type Snapshot struct {
	Organization Organization
	// Sets are all credentials of the organization; Set is the one that is rotated, nil when there is none.
	Sets []CredentialsSet
	Set  *CredentialsSet
	// User is the IAM user of the target, or the owner of Qovery's key; without a name it was not found or not read.
	User User
	// UserMissing is true when AWS says that the user does not exist.
	UserMissing bool
	Keys        []Key
	// Current is Qovery's key, nil when neither the user nor another one in this account has it. Owner is who has it.
	Current *Key
	Owner   string
	// Journal is the one for these credentials, if any; OtherJournals are those for other credentials of the same user.
	Journal       *Journal
	OtherJournals []Journal
	// JournalError says why the journal for these credentials cannot be read.
	JournalError error
	// Holders are all objects of the organization that store an AWS access key, this set included.
	Holders []Holder
	// Clusters are all clusters of the organization.
	Clusters []Cluster
	// Statuses are by cluster id; nil when they were not read.
	Statuses map[string]ClusterStatus
	// Compromised are the keys that somebody listed as leaked.
	Compromised []string
	// Budget is what the API's last answer said.
	Budget Budget
	// Deployments are those of environments that have not ended. They are read where a key could be deleted. DeploymentsError
	// says why they are not known.
	Deployments      []EnvironmentDeployment
	DeploymentsError error
}

// Budget is how many requests Qovery's API allows until when, by Qovery's clock. ResetsAt is zero when only the number is known.
type Budget struct {
	Left     int
	ResetsAt time.Time
	Known    bool
}

// world is where snapshots come from.
type world struct {
	iam      IAM
	qovery   Qovery
	statuses statusReader
	// compromised are the keys that somebody listed as leaked.
	compromised []string
}

// fresh is the world of everything that changes something, and cached that of refreshes and plans.
func (r *Rotator) fresh() world {
	return world{r.iam, sharedQovery{r.qovery, r.questions}, r.statuses, r.compromised}
}

func (r *Rotator) cached() world {
	q := sharedQovery{r.qovery, r.reads}
	return world{sharedIAM{r.iam, r.reads}, q, planStatuses{r.statuses, q}, r.compromised}
}

// read is the one reader of the world. What does not depend on another answer is asked for side by side.
func (w world) read(ctx context.Context, target Target, known string, scope Scope) (*Snapshot, error) {
	if err := w.checkAccount(ctx, target); err != nil {
		return nil, err
	}
	s := &Snapshot{Compromised: w.compromised}
	var lists [4][]Holder
	group, gctx := errgroup.WithContext(ctx)
	ask := func(question func(context.Context) error) { group.Go(func() error { return question(gctx) }) }
	if target.UserName != "" {
		ask(func(ctx context.Context) error { return w.readUser(ctx, s, target.UserName, scope == ScopeAll) })
	}
	if scope >= ScopeHolders {
		ask(func(ctx context.Context) (err error) {
			s.Sets, err = w.qovery.Credentials(ctx, target.OrganizationID)
			return
		})
		ask(func(ctx context.Context) (err error) {
			lists[0], err = w.qovery.ContainerRegistries(ctx, target.OrganizationID)
			return
		})
		ask(func(ctx context.Context) (err error) {
			lists[1], err = w.qovery.HelmRepositories(ctx, target.OrganizationID)
			return
		})
	}
	if scope >= ScopeAll {
		ask(func(ctx context.Context) (err error) {
			s.Organization, err = w.qovery.Organization(ctx, target.OrganizationID)
			return
		})
		ask(func(ctx context.Context) (err error) {
			lists[2], lists[3], err = w.readClusters(ctx, s, target.OrganizationID)
			return
		})
		ask(func(ctx context.Context) error { return w.readStatuses(ctx, s, target.OrganizationID) })
	}
	if err := group.Wait(); err != nil {
		return nil, notRead(target, err)
	}
	s.Holders = slices.Concat(credentialsHolders(s.Sets), lists[0], lists[1], lists[2], lists[3])
	s.Set = setOf(s.Sets, target.CredentialsID)
	if err := w.readKeys(ctx, s, target, known, scope); err != nil {
		return nil, err
	}
	if scope == ScopeAll && slices.ContainsFunc(s.Keys, func(key Key) bool { return s.Set == nil || key.ID != s.Set.AccessKeyID }) {
		s.Deployments, s.DeploymentsError = w.qovery.RunningDeployments(ctx, target.OrganizationID)
	}
	s.Journal, s.OtherJournals, s.JournalError = journalsOf(s.User, target.CredentialsID)
	s.Budget.Left, s.Budget.ResetsAt, s.Budget.Known = w.qovery.Budget()
	return s, nil
}

// checkAccount makes sure, before anything else is read, that the provider looks into the account that a state recorded. In
// another one, that a key is missing would mean nothing.
func (w world) checkAccount(ctx context.Context, target Target) error {
	recorded := accountOf(target.UserARN)
	if recorded == "" {
		return nil
	}
	account, err := w.iam.Account(ctx)
	if err == nil && account != recorded {
		return wrongAccount(target, account)
	}
	return err
}

// readUser reads the keys of a user, with which of them the provider signs, and, if asked for, the user with its tags. A user
// that does not exist has neither.
func (w world) readUser(ctx context.Context, s *Snapshot, userName string, tags bool) error {
	var keys []AccessKey
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { keys, err = w.iam.AccessKeys(ctx, userName); return })
	if tags {
		group.Go(func() (err error) { s.User, err = w.iam.User(ctx, userName); return })
	}
	err := group.Wait()
	if errors.Is(err, ErrNotFound) {
		s.User, s.Keys, s.UserMissing = User{}, nil, true
		return nil
	}
	s.Keys = make([]Key, len(keys))
	for i, key := range keys {
		if s.Keys[i].AccessKey = key; err == nil {
			s.Keys[i].Signs, err = w.iam.SignsWith(ctx, key.ID)
		}
	}
	return err
}

// readClusters reads the clusters with what they store themselves. There is no list of their DNS providers.
func (w world) readClusters(ctx context.Context, s *Snapshot, organizationID string) (dns, secretManagers []Holder, err error) {
	if s.Clusters, err = w.qovery.Clusters(ctx, organizationID); err != nil {
		return nil, nil, err
	}
	found := make([]*Holder, len(s.Clusters))
	group, gctx := errgroup.WithContext(ctx)
	group.SetLimit(concurrentReads)
	for i, cluster := range s.Clusters {
		secretManagers = append(secretManagers, cluster.SecretManagerKeys...)
		group.Go(func() (err error) {
			if found[i], err = w.qovery.ClusterDNSProvider(gctx, cluster.ID); errors.Is(err, ErrNotFound) {
				return dnsProviderNotFound(cluster, err)
			}
			return err
		})
	}
	err = group.Wait()
	for _, holder := range found {
		if holder != nil {
			dns = append(dns, *holder)
		}
	}
	return dns, secretManagers, err
}

func (w world) readStatuses(ctx context.Context, s *Snapshot, organizationID string) error {
	statuses, err := w.statuses.read(ctx, organizationID)
	s.Statuses = make(map[string]ClusterStatus, len(statuses))
	for _, status := range statuses {
		s.Statuses[status.ClusterID] = status
	}
	return err
}

// readKeys finds Qovery's key and its owner, and reads what is to be known of the user's other keys.
func (w world) readKeys(ctx context.Context, s *Snapshot, target Target, known string, scope Scope) (err error) {
	if scope < ScopeHolders || s.Set == nil || s.Set.AccessKeyID == "" {
		return w.readOthers(ctx, s, scope)
	}
	if s.Current = s.key(s.Set.AccessKeyID); s.Current != nil {
		s.Owner = target.UserName
	} else if err := w.readOwner(ctx, s, target.UserName); err != nil {
		return err
	}
	unexplained := s.Set.AccessKeyID != known || target.UserARN == ""
	if s.User.Name == "" && s.Owner != "" && s.Owner == target.UserName && unexplained {
		if s.User, err = w.iam.User(ctx, s.Owner); err != nil {
			return err
		}
	}
	return w.readOthers(ctx, s, scope)
}

// readOwner asks AWS for the owner of Qovery's key, and reads that user. AWS answers that the key does not exist, or that the
// question is not allowed, for a key that is gone and for one of another account.
func (w world) readOwner(ctx context.Context, s *Snapshot, userName string) error {
	use, err := w.iam.AccessKeyLastUse(ctx, s.Set.AccessKeyID)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrForbidden) && userName != "" {
		return nil
	}
	if err != nil {
		return err
	}
	s.Owner = use.UserName
	owner := s
	if userName != "" && userName != s.Owner {
		owner = &Snapshot{}
	}
	if err := w.readUser(ctx, owner, s.Owner, userName == ""); err != nil {
		return err
	}
	s.Current = owner.key(s.Set.AccessKeyID)
	return nil
}

// readOthers reads the last uses of the user's keys that Qovery's credentials do not hold.
func (w world) readOthers(ctx context.Context, s *Snapshot, scope Scope) (err error) {
	if scope < ScopeAll {
		return nil
	}
	for i := range s.Keys {
		key := &s.Keys[i]
		if s.Set != nil && key.ID == s.Set.AccessKeyID {
			continue
		}
		if key.LastUse, err = w.iam.AccessKeyLastUse(ctx, key.ID); err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// isListed tells whether a key is listed as compromised.
func (s *Snapshot) isListed(accessKeyID string) bool {
	return slices.Contains(s.Compromised, accessKeyID)
}

// setOf returns one of the credentials of an organization, or nil.
func setOf(sets []CredentialsSet, credentialsID string) *CredentialsSet {
	i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == credentialsID })
	if i < 0 {
		return nil
	}
	return &sets[i]
}

// key returns a key of the user, or nil.
func (s *Snapshot) key(accessKeyID string) *Key {
	i := slices.IndexFunc(s.Keys, func(key Key) bool { return key.ID == accessKeyID })
	if i < 0 {
		return nil
	}
	return &s.Keys[i]
}

// HoldersOf returns the holders that store one of the given keys.
func (s *Snapshot) HoldersOf(accessKeyIDs ...string) []Holder {
	var found []Holder
	for _, holder := range s.Holders {
		if holder.AccessKeyID != "" && slices.Contains(accessKeyIDs, holder.AccessKeyID) {
			found = append(found, holder)
		}
	}
	return found
}

// journals are all journals on the user.
func (s *Snapshot) journals() []Journal {
	if s.Journal == nil {
		return s.OtherJournals
	}
	return append([]Journal{*s.Journal}, s.OtherJournals...)
}

// gave tells whether the credentials of a journal hold the key that its rotation gave to them.
func (s *Snapshot) gave(j Journal) bool {
	return j.To != "" && slices.ContainsFunc(s.Sets, func(set CredentialsSet) bool {
		return set.ID == j.CredentialsID && set.AccessKeyID == j.To
	})
}

// ClustersOf returns the clusters of one credentials set.
func (s *Snapshot) ClustersOf(credentialsID string) []Cluster {
	return s.clustersOf(func(set CredentialsSet) bool { return set.ID == credentialsID })
}

// clustersOf returns the clusters of the chosen credentials, with what the list of clusters knows of them.
func (s *Snapshot) clustersOf(chosen func(CredentialsSet) bool) []Cluster {
	var clusters []Cluster
	for _, set := range s.Sets {
		if !chosen(set) {
			continue
		}
		for _, cluster := range set.Clusters {
			if i := slices.IndexFunc(s.Clusters, func(c Cluster) bool { return c.ID == cluster.ID }); i >= 0 {
				cluster = s.Clusters[i]
			}
			clusters = append(clusters, cluster)
		}
	}
	slices.SortFunc(clusters, func(a, b Cluster) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(clusters, func(a, b Cluster) bool { return a.ID == b.ID })
}

// clustersOfHolders are the clusters whose deployments may use one of the given holders. A holder that belongs to no cluster
// may be used by all of them.
func (s *Snapshot) clustersOfHolders(holderIDs []string) []Cluster {
	var clusters []Cluster
	for _, holder := range s.Holders {
		switch {
		case !slices.Contains(holderIDs, holder.ID):
		case holder.Kind == HolderCredentials:
			clusters = append(clusters, s.ClustersOf(holder.ID)...)
		case holder.ClusterID != "":
			clusters = append(clusters, Cluster{ID: holder.ClusterID, Name: holder.ClusterName})
		default:
			return s.Clusters
		}
	}
	return clusters
}

// deploymentsOn are the deployments of environments on some clusters.
func (s *Snapshot) deploymentsOn(clusters []Cluster) []EnvironmentDeployment {
	return slices.DeleteFunc(slices.Clone(s.Deployments), func(deployment EnvironmentDeployment) bool {
		return !slices.ContainsFunc(clusters, func(cluster Cluster) bool { return cluster.ID == deployment.ClusterID })
	})
}

// sharedClusters are the clusters of the credentials, and of others that hold the same key.
func (s *Snapshot) sharedClusters() []Cluster {
	return s.clustersOf(func(set CredentialsSet) bool {
		return s.Set != nil && (set.ID == s.Set.ID || set.AccessKeyID == s.Set.AccessKeyID)
	})
}

// accountOf is the account in an ARN, or "".
func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// String names a cluster for people.
func (c Cluster) String() string { return fmt.Sprintf("cluster %q (%s)", c.Name, c.ID) }

// String names a deployment for people.
func (d EnvironmentDeployment) String() string {
	return fmt.Sprintf("environment %q (%s) of project %q on cluster %q", d.Environment, d.EnvironmentID, d.Project, d.ClusterName)
}
