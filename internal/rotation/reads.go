package rotation

import (
	"context"
	"sync"
)

// reads answers the questions of refreshes and plans, each once: a plan over hundreds of resources asks an organization
// as often as a plan over one. What it answers is as old as the process at most, and is forgotten as soon as this
// process changes anything; nothing that changes anything is decided from it.
type reads struct {
	iam    IAM
	qovery Qovery

	mu    sync.Mutex
	calls map[question]*call
}

// call is one question under way or answered.
type call struct {
	done  chan struct{}
	value any
	err   error
}

// question is the key of a call: what is asked, about whom.
type question struct{ what, whom string }

func newReads(iam IAM, qovery Qovery) *reads {
	return &reads{iam: iam, qovery: qovery, calls: map[question]*call{}}
}

// forget drops every answer.
func (r *reads) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.calls)
}

// once asks unless the answer is known. Whoever asks while somebody else does waits for the same answer; an error is
// told to those who waited and is not kept. Nobody's cancellation ends a question that others wait for.
func once[T any](ctx context.Context, r *reads, what, whom string, ask func(context.Context) (T, error)) (T, error) {
	key := question{what, whom}
	r.mu.Lock()
	c, ok := r.calls[key]
	if !ok {
		c = &call{done: make(chan struct{})}
		r.calls[key] = c
		go func() {
			defer close(c.done)
			if c.value, c.err = ask(context.WithoutCancel(ctx)); c.err != nil {
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

// drop forgets one answer, unless it was asked for anew.
func (r *reads) drop(key question, c *call) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.calls[key] == c {
		delete(r.calls, key)
	}
}

// cachedIAM is the IAM port with its reading methods answered by reads.
type cachedIAM struct {
	IAM
	reads *reads
}

func (c cachedIAM) User(ctx context.Context, userName string) (User, error) {
	return once(ctx, c.reads, "user", userName, func(ctx context.Context) (User, error) { return c.IAM.User(ctx, userName) })
}

func (c cachedIAM) AccessKeys(ctx context.Context, userName string) ([]AccessKey, error) {
	return once(ctx, c.reads, "keys", userName, func(ctx context.Context) ([]AccessKey, error) {
		return c.IAM.AccessKeys(ctx, userName)
	})
}

func (c cachedIAM) AccessKeyLastUse(ctx context.Context, accessKeyID string) (LastUse, error) {
	return once(ctx, c.reads, "last use", accessKeyID, func(ctx context.Context) (LastUse, error) {
		return c.IAM.AccessKeyLastUse(ctx, accessKeyID)
	})
}

// cachedQovery is the Qovery port with its reading methods answered by reads.
type cachedQovery struct {
	Qovery
	reads *reads
}

func (c cachedQovery) Organization(ctx context.Context, id string) (Organization, error) {
	return once(ctx, c.reads, "organization", id, func(ctx context.Context) (Organization, error) {
		return c.Qovery.Organization(ctx, id)
	})
}

func (c cachedQovery) Credentials(ctx context.Context, id string) ([]CredentialsSet, error) {
	return once(ctx, c.reads, "credentials", id, func(ctx context.Context) ([]CredentialsSet, error) {
		return c.Qovery.Credentials(ctx, id)
	})
}

func (c cachedQovery) Clusters(ctx context.Context, id string) ([]Cluster, error) {
	return once(ctx, c.reads, "clusters", id, func(ctx context.Context) ([]Cluster, error) {
		return c.Qovery.Clusters(ctx, id)
	})
}

func (c cachedQovery) ClusterStatuses(ctx context.Context, id string) ([]ClusterStatus, error) {
	return once(ctx, c.reads, "statuses", id, func(ctx context.Context) ([]ClusterStatus, error) {
		return c.Qovery.ClusterStatuses(ctx, id)
	})
}

func (c cachedQovery) ContainerRegistries(ctx context.Context, id string) ([]Holder, error) {
	return once(ctx, c.reads, "registries", id, func(ctx context.Context) ([]Holder, error) {
		return c.Qovery.ContainerRegistries(ctx, id)
	})
}

func (c cachedQovery) HelmRepositories(ctx context.Context, id string) ([]Holder, error) {
	return once(ctx, c.reads, "helm repositories", id, func(ctx context.Context) ([]Holder, error) {
		return c.Qovery.HelmRepositories(ctx, id)
	})
}

func (c cachedQovery) ClusterDNSProvider(ctx context.Context, id string) (*Holder, error) {
	return once(ctx, c.reads, "dns provider", id, func(ctx context.Context) (*Holder, error) {
		return c.Qovery.ClusterDNSProvider(ctx, id)
	})
}

func (c cachedQovery) RunningDeployments(ctx context.Context, id string) ([]EnvironmentDeployment, error) {
	return once(ctx, c.reads, "deployments", id, func(ctx context.Context) ([]EnvironmentDeployment, error) {
		return c.Qovery.RunningDeployments(ctx, id)
	})
}
