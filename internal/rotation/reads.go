package rotation

import (
	"context"
	"sync"
	"time"
)

// reads answers the same question of many resources with one request.
//
// For refreshes and plans it keeps the answers. So a plan over hundreds of resources asks an organization as often as a plan
// over one. Answers are at most as old as the process, and are forgotten when this process changes something.
//
// For changes it keeps no answers. An answer is shared only by callers that asked before its request was sent, so no answer is
// older than its question.
type reads struct {
	keeps bool

	mu    sync.Mutex
	calls map[question]*call
}

// call is the last call for a question. It waits for its turn, is sent, or is answered.
type call struct {
	sent  bool
	done  chan struct{}
	value any
	err   error
}

// question is the key of a call: what is read, and of which object.
type question struct{ what, whom string }

func newReads(keeps bool) *reads { return &reads{keeps: keeps, calls: map[question]*call{}} }

// forget drops every answer.
func (r *reads) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.calls)
}

// once asks a question unless it can share an answer. An error is returned to all callers that wait, and is not kept. If one
// caller is canceled, the request continues for the others.
func once[T any](ctx context.Context, r *reads, what, whom string, ask func(context.Context) (T, error)) (T, error) {
	key := question{what, whom}
	r.mu.Lock()
	before := r.calls[key]
	c := before
	if before == nil || before.sent && !r.keeps {
		c = &call{done: make(chan struct{})}
		r.calls[key] = c
		go func() {
			defer close(c.done)
			r.takeTurn(c, before)
			if c.value, c.err = ask(patient{context.WithoutCancel(ctx), ctx}); c.err != nil || !r.keeps {
				r.drop(key, c)
			}
		}()
	}
	r.mu.Unlock()
	var none T
	select {
	case <-c.done:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	if c.err != nil {
		return none, c.err
	}
	return c.value.(T), nil
}

// patient is a context that is never canceled. Its deadline shows the port how long the first caller would wait.
type patient struct {
	context.Context
	asker context.Context
}

// Deadline implements [context.Context].
func (p patient) Deadline() (time.Time, bool) { return p.asker.Deadline() }

// takeTurn waits for the end of the call before. Meanwhile other callers can join.
func (r *reads) takeTurn(c, before *call) {
	if before != nil {
		<-before.done
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.sent = true
}

// drop forgets a call, unless a newer one has replaced it.
func (r *reads) drop(key question, c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[key] == c {
		delete(r.calls, key)
	}
}

// sharedIAM is the port to IAM whose reads are shared.
type sharedIAM struct {
	IAM
	reads *reads
}

func (c sharedIAM) User(ctx context.Context, userName string) (User, error) {
	return once(ctx, c.reads, "user", userName, func(ctx context.Context) (User, error) { return c.IAM.User(ctx, userName) })
}

func (c sharedIAM) Account(ctx context.Context) (string, error) {
	return once(ctx, c.reads, "account", "", c.IAM.Account)
}

func (c sharedIAM) AccessKeys(ctx context.Context, userName string) ([]AccessKey, error) {
	return once(ctx, c.reads, "keys", userName, func(ctx context.Context) ([]AccessKey, error) {
		return c.IAM.AccessKeys(ctx, userName)
	})
}

func (c sharedIAM) AccessKeyLastUse(ctx context.Context, accessKeyID string) (LastUse, error) {
	return once(ctx, c.reads, "last use", accessKeyID, func(ctx context.Context) (LastUse, error) {
		return c.IAM.AccessKeyLastUse(ctx, accessKeyID)
	})
}

// sharedQovery is the port to Qovery whose reads are shared.
type sharedQovery struct {
	Qovery
	reads *reads
}

func (c sharedQovery) Organization(ctx context.Context, id string) (Organization, error) {
	return once(ctx, c.reads, "organization", id, func(ctx context.Context) (Organization, error) {
		return c.Qovery.Organization(ctx, id)
	})
}

func (c sharedQovery) Credentials(ctx context.Context, id string) ([]CredentialsSet, error) {
	return once(ctx, c.reads, "credentials", id, func(ctx context.Context) ([]CredentialsSet, error) {
		return c.Qovery.Credentials(ctx, id)
	})
}

func (c sharedQovery) Clusters(ctx context.Context, id string) ([]Cluster, error) {
	return once(ctx, c.reads, "clusters", id, func(ctx context.Context) ([]Cluster, error) {
		return c.Qovery.Clusters(ctx, id)
	})
}

func (c sharedQovery) ClusterStatuses(ctx context.Context, id string) ([]ClusterStatus, error) {
	return once(ctx, c.reads, "statuses", id, func(ctx context.Context) ([]ClusterStatus, error) {
		return c.Qovery.ClusterStatuses(ctx, id)
	})
}

func (c sharedQovery) ContainerRegistries(ctx context.Context, id string) ([]Holder, error) {
	return once(ctx, c.reads, "registries", id, func(ctx context.Context) ([]Holder, error) {
		return c.Qovery.ContainerRegistries(ctx, id)
	})
}

func (c sharedQovery) HelmRepositories(ctx context.Context, id string) ([]Holder, error) {
	return once(ctx, c.reads, "helm repositories", id, func(ctx context.Context) ([]Holder, error) {
		return c.Qovery.HelmRepositories(ctx, id)
	})
}

func (c sharedQovery) ClusterDNSProvider(ctx context.Context, id string) (*Holder, error) {
	return once(ctx, c.reads, "dns provider", id, func(ctx context.Context) (*Holder, error) {
		return c.Qovery.ClusterDNSProvider(ctx, id)
	})
}

func (c sharedQovery) RunningDeployments(ctx context.Context, id string) ([]EnvironmentDeployment, error) {
	return once(ctx, c.reads, "deployments", id, func(ctx context.Context) ([]EnvironmentDeployment, error) {
		return c.Qovery.RunningDeployments(ctx, id)
	})
}
