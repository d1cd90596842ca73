package rotation

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// concurrentReads is how many clusters are asked for their DNS provider at once.
const concurrentReads = 20

// Target is what is rotated: a credentials set in Qovery, and the IAM user that owns its access key.
type Target struct {
	OrganizationID string
	CredentialsID  string
	// UserName may be empty. Then it is the owner of Qovery's key.
	UserName string
	// UserARN is the user's ARN in the state. It is empty if none is recorded. A key that is missing in another account than this
	// one is not known to be deleted.
	UserARN string
}

// Scope is how much of AWS and Qovery a snapshot shows. Each scope includes those before it.
type Scope int

// The scopes.
const (
	// ScopeKeys is the list of the user's access keys: enough to refresh a cleanup.
	ScopeKeys Scope = iota
	// ScopeHolders adds the holders that Qovery lists for a whole organization and the owner of Qovery's key. If the state does not
	// explain the key, it also adds the user with its journals. That is enough to refresh and to adopt credentials.
	ScopeHolders
	// ScopeAll adds everything else that a change is decided from.
	ScopeAll
)

// Key is an access key of the IAM user.
type Key struct {
	AccessKey
	// LastUse is read for keys that Qovery's credentials do not hold.
	LastUse LastUse
	// Signs is true if the provider's own requests are signed with the key.
	Signs bool
}

// Snapshot is the state of AWS and Qovery right before a decision.
type Snapshot struct {
	Organization Organization
	// Sets are all credentials of the organization. Set is the one that is rotated, or nil if it does not exist.
	Sets []CredentialsSet
	Set  *CredentialsSet
	// User is the IAM user of the target, or the owner of Qovery's key. Without a name, it was not found or not read.
	User User
	// UserMissing is true if AWS answered that the user does not exist.
	UserMissing bool
	Keys        []Key
	// Current is Qovery's key. It is nil if no user in this account has it. Owner is the user that has it.
	Current *Key
	Owner   string
	// Journal is the one for these credentials, or nil. OtherJournals are those for other credentials of the same user.
	Journal       *Journal
	OtherJournals []Journal
	// JournalError is why the journal for these credentials cannot be read.
	JournalError error
	// Holders are all objects of the organization that store an AWS access key, this set included.
	Holders []Holder
	// Clusters are all clusters of the organization.
	Clusters []Cluster
	// Statuses are by cluster id. They are nil if they were not read.
	Statuses map[string]ClusterStatus
	// Compromised are the keys that the configuration lists as compromised.
	Compromised []string
	// Budget is from the API's last answer.
	Budget Budget
	// Deployments are those of environments that have not ended. They are read if a key could be deleted or has leaked.
	// DeploymentsError is why they are unknown.
	Deployments      []EnvironmentDeployment
	DeploymentsError error
}

// Budget is how many requests Qovery's API allows until when, by Qovery's clock. ResetsAt is zero if only the number is known.
type Budget struct {
	Left     int
	ResetsAt time.Time
	Known    bool
}

// world is what snapshots are read from.
type world struct {
	iam      IAM
	qovery   Qovery
	statuses statusReader
	// compromised are the keys that the configuration lists as compromised.
	compromised []string
}

// fresh is the world for changes. No answer is older than its question.
func (r *Rotator) fresh() world {
	return world{r.iam, sharedQovery{r.qovery, r.questions}, r.statuses, r.compromised}
}

// cached is the world for refreshes and plans. It asks each question once, until this process changes something.
func (r *Rotator) cached() world {
	q := sharedQovery{r.qovery, r.reads}
	return world{sharedIAM{r.iam, r.reads}, q, planStatuses{r.statuses, q}, r.compromised}
}

// read takes a snapshot. Questions that do not depend on each other are asked in parallel. known is the key in the state.
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

// checkAccount makes sure that the provider's credentials are for the recorded account, before anything else is read. That a
// key is missing in another account proves nothing.
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

// readUser reads the keys of a user, and if asked for, the user with its tags. It also finds out with which key the provider
// signs. A user that does not exist has neither keys nor tags.
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

// readClusters reads the clusters and the holders that belong to them. DNS providers are read one by one, because Qovery does not
// list them.
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

// readKeys finds Qovery's key and its owner, and reads about the user's other keys.
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

// readOwner asks AWS for the owner of Qovery's key, and reads that user. Both for a deleted key and for a key of another
// account, AWS answers that the key does not exist or that access is denied.
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
