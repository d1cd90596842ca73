package rotation

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
)

// answerTime is how long a question takes in a test.
const answerTime = time.Second

// asked counts questions, and answers each with its number.
type asked struct{ n atomic.Int32 }

func (a *asked) answer(ctx context.Context) (int32, error) {
	n := a.n.Add(1)
	return n, clock.System{}.Sleep(ctx, answerTime)
}

func TestOnceAsksOnceForMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			r     = newReads(true)
			asked asked
			group sync.WaitGroup
		)
		for range 100 {
			group.Go(func() {
				if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != 1 || err != nil {
					t.Errorf("the answer is %d, %v", got, err)
				}
			})
		}
		group.Wait()
		if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != 1 || err != nil {
			t.Errorf("the answer after that is %d, %v", got, err)
		}
	})
}

// TestSharedAnswersAreNotOlderThanTheirQuestions has many callers at once, and others while the first request is under way.
func TestSharedAnswersAreNotOlderThanTheirQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			r     = newReads(false)
			asked asked
			group sync.WaitGroup
		)
		ask := func(want int32) {
			group.Go(func() {
				if got, err := once(t.Context(), r, "deployments", "o1", asked.answer); got != want || err != nil {
					t.Errorf("the answer is %d, %v, not %d", got, err, want)
				}
			})
		}
		ask(1)
		synctest.Wait()
		for range 50 {
			ask(2)
		}
		if err := (clock.System{}).Sleep(t.Context(), answerTime+answerTime/2); err != nil {
			t.Error(err)
		}
		for range 50 {
			ask(3)
		}
		group.Wait()
		ask(4)
		group.Wait()
		if len(r.calls) > 0 {
			t.Errorf("%d answers are kept", len(r.calls))
		}
	})
}

func TestOnceTellsQuestionsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReads(true)
		var asked asked
		for i, question := range []question{{"keys", "a"}, {"keys", "b"}, {"user", "a"}} {
			if got, err := once(t.Context(), r, question.what, question.whom, asked.answer); got != int32(i)+1 || err != nil {
				t.Errorf("the answer to %v is %d, %v", question, got, err)
			}
		}
	})
}

func TestOnceDoesNotKeepErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			r     = newReads(true)
			asked asked
			group sync.WaitGroup
		)
		for range 10 {
			group.Go(func() {
				got, err := once(t.Context(), r, "keys", testUser, func(ctx context.Context) (int32, error) {
					_, _ = asked.answer(ctx)
					return 7, ErrForbidden
				})
				if got != 0 || !errors.Is(err, ErrForbidden) {
					t.Errorf("the answer is %d, %v", got, err)
				}
			})
		}
		group.Wait()
		if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != 2 || err != nil {
			t.Errorf("the answer after one error is %d, %v", got, err)
		}
	})
}

func TestForgetAsksAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReads(true)
		var asked asked
		for want := range int32(3) {
			if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != want+1 || err != nil {
				t.Errorf("the answer is %d, %v, want %d", got, err, want+1)
			}
			r.forget()
		}
	})
}

// TestForgetDuringAQuestion has the answer to a question from before a change come after it.
func TestForgetDuringAQuestion(t *testing.T) {
	for name, late := range map[string]error{"late answer": nil, "late error": ErrRejected} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var (
					r     = newReads(true)
					asked asked
					group sync.WaitGroup
				)
				group.Go(func() {
					_, err := once(t.Context(), r, "keys", testUser, func(ctx context.Context) (int32, error) {
						n, _ := asked.answer(ctx)
						return n, late
					})
					if !errors.Is(err, late) {
						t.Errorf("whoever asked before is told %v", err)
					}
				})
				synctest.Wait()
				r.forget()
				for range 2 {
					if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != 2 || err != nil {
						t.Errorf("the answer after the change is %d, %v", got, err)
					}
					synctest.Wait() // the answer from before has come too
				}
				group.Wait()
			})
		})
	}
}

func TestOnceIsCanceledForTheCanceledOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			r     = newReads(true)
			asked asked
			group sync.WaitGroup
		)
		started := clock.System{}.Now()
		first, cancel := context.WithCancel(t.Context())
		group.Go(func() {
			if got, err := once(first, r, "keys", testUser, asked.answer); got != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("the canceled one is told %d, %v", got, err)
			}
			if waited := (clock.System{}).Now().Sub(started); waited != 0 {
				t.Errorf("the canceled one waited %s", waited)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if got, err := once(t.Context(), r, "keys", testUser, asked.answer); got != 1 || err != nil {
				t.Errorf("the other one is told %d, %v", got, err)
			}
		})
		synctest.Wait()
		cancel()
		group.Wait()
	})
}

// recorder is both ports, and counts the calls.
type recorder struct {
	IAM
	Qovery

	mu    sync.Mutex
	calls map[string]int
}

func (r *recorder) count(call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[call]++
}

func (r *recorder) User(_ context.Context, name string) (User, error) {
	r.count("user " + name)
	return User{Name: name}, nil
}

func (r *recorder) AccessKeys(_ context.Context, name string) ([]AccessKey, error) {
	r.count("keys " + name)
	return []AccessKey{{ID: keyA}}, nil
}

func (r *recorder) AccessKeyLastUse(_ context.Context, id string) (LastUse, error) {
	r.count("last use " + id)
	return LastUse{UserName: testUser}, nil
}

func (r *recorder) Organization(_ context.Context, id string) (Organization, error) {
	r.count("organization " + id)
	return Organization{ID: id}, nil
}

func (r *recorder) Credentials(_ context.Context, id string) ([]CredentialsSet, error) {
	r.count("credentials " + id)
	return []CredentialsSet{{ID: "creds"}}, nil
}

func (r *recorder) Clusters(_ context.Context, id string) ([]Cluster, error) {
	r.count("clusters " + id)
	return []Cluster{{ID: "c1"}}, nil
}

func (r *recorder) ClusterStatuses(_ context.Context, id string) ([]ClusterStatus, error) {
	r.count("statuses " + id)
	return []ClusterStatus{{ClusterID: "c1"}}, nil
}

func (r *recorder) ContainerRegistries(_ context.Context, id string) ([]Holder, error) {
	r.count("registries " + id)
	return []Holder{{ID: "r"}}, nil
}

func (r *recorder) HelmRepositories(_ context.Context, id string) ([]Holder, error) {
	r.count("helm " + id)
	return []Holder{{ID: "h"}}, nil
}

func (r *recorder) ClusterDNSProvider(_ context.Context, id string) (*Holder, error) {
	r.count("dns " + id)
	return nil, nil
}

// TestCachedPorts asks every question twice about each of two objects.
func TestCachedPorts(t *testing.T) {
	r := &recorder{calls: map[string]int{}}
	reads := newReads(true)
	iam, q := sharedIAM{r, reads}, sharedQovery{r, reads}
	for range 2 {
		for _, whom := range []string{"a", "b"} {
			user, err1 := iam.User(t.Context(), whom)
			keys, err2 := iam.AccessKeys(t.Context(), whom)
			use, err3 := iam.AccessKeyLastUse(t.Context(), whom)
			if err := errors.Join(err1, err2, err3); err != nil || user.Name != whom || len(keys) != 1 || use.UserName != testUser {
				t.Errorf("IAM answered %+v, %+v, %+v, %v", user, keys, use, err)
			}
			organization, err1 := q.Organization(t.Context(), whom)
			sets, err2 := q.Credentials(t.Context(), whom)
			clusters, err3 := q.Clusters(t.Context(), whom)
			statuses, err4 := q.ClusterStatuses(t.Context(), whom)
			if err := errors.Join(err1, err2, err3, err4); err != nil || organization.ID != whom || len(sets) != 1 || len(clusters) != 1 ||
				len(statuses) != 1 {
				t.Errorf("Qovery answered %+v, %+v, %+v, %+v, %v", organization, sets, clusters, statuses, err)
			}
			registries, err1 := q.ContainerRegistries(t.Context(), whom)
			repositories, err2 := q.HelmRepositories(t.Context(), whom)
			dns, err3 := q.ClusterDNSProvider(t.Context(), whom)
			if err := errors.Join(err1, err2, err3); err != nil || len(registries) != 1 || len(repositories) != 1 || dns != nil {
				t.Errorf("Qovery answered %+v, %+v, %+v, %v", registries, repositories, dns, err)
			}
		}
	}
	if len(r.calls) != 20 {
		t.Errorf("%d questions were asked, want 20: %v", len(r.calls), r.calls)
	}
	for call, n := range r.calls {
		if n != 1 {
			t.Errorf("%q was asked %d times", call, n)
		}
	}
}
