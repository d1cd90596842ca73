package rotation

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// concurrentReads bounds how many requests of one snapshot are under way at once.
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
	// Compromised are the keys that the configuration lists as compromised.
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
	// compromised are the keys that the configuration lists as compromised.
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

// read takes the snapshot. Questions that do not depend on each other are sent in parallel.
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

// checkAccount makes sure, before anything else is read, that the provider reads the account that a state recorded. A key that
// another account does not have proves nothing.
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
