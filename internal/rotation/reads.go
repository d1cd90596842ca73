package rotation

import (
	"context"
	"sync"
	"time"
)

// reads answers one question of many resources with one request.
//
// For refreshes and plans it keeps answers, so that a plan over hundreds of resources asks an organization as often as a plan
// over one. What it answers is as old as the process at most, and is forgotten as soon as this process changes anything.
// For changes it keeps none: an answer serves those who asked before its request was sent, so none is older than its question.
type reads struct {
	keeps bool

	mu    sync.Mutex
	calls map[question]*call
}

// call is the last one for a question: waiting for its turn, sent or answered.
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

// once sends a question unless it can share an answer. An error is returned to all who waited and is not kept. A cancellation
// does not end a question that others wait for.
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

// patient is a context that nothing cancels. Its deadline only shows how long the caller would wait for a better answer.
type patient struct {
	context.Context
	asker context.Context
}

// Deadline implements [context.Context].
func (p patient) Deadline() (time.Time, bool) { return p.asker.Deadline() }

// takeTurn waits for the call before, during which others may join.
func (r *reads) takeTurn(c, before *call) {
	if before != nil {
		<-before.done
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	c.sent = true
}

// drop forgets one answer, unless the question was asked again.
func (r *reads) drop(key question, c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[key] == c {
		delete(r.calls, key)
	}
}

// sharedIAM is the IAM port with its reading methods answered by reads.
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

// sharedQovery is the Qovery port with its reading methods answered by reads.
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
