package rotation

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
)

const testInterval = 5 * time.Second

// statusAPI is an API that answers with the number of the request in place of the state of a cluster.
type statusAPI struct {
	Qovery
	latency time.Duration
	// fail returns the error for a request. It may be nil.
	fail func(n int) error

	mu   sync.Mutex
	sent []time.Time
	busy bool
	// overlapped is true if a request was sent while another one was under way.
	overlapped bool
}

func (a *statusAPI) ClusterStatuses(ctx context.Context, organizationID string) ([]ClusterStatus, error) {
	a.mu.Lock()
	a.sent = append(a.sent, clock.System{}.Now())
	n := len(a.sent)
	a.overlapped = a.overlapped || a.busy
	a.busy = true
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.busy = false
	}()
	if err := (clock.System{}).Sleep(ctx, a.latency); err != nil {
		return nil, err
	}
	if a.fail != nil {
		if err := a.fail(n); err != nil {
			return nil, err
		}
	}
	return []ClusterStatus{{ClusterID: organizationID, State: strconv.Itoa(n)}}, nil
}

// Budget implements [Qovery]. It is unknown.
func (*statusAPI) Budget() (int, time.Time, bool) { return 0, time.Time{}, false }

// board returns an API and a board that reads from it.
func board(latency time.Duration) (*statusAPI, *statusBoard) {
	api := &statusAPI{latency: latency}
	return api, newStatusBoard(api, clock.System{}, testInterval)
}

// readNumber reads the statuses and returns the number of the request that they are from.
func readNumber(ctx context.Context, t *testing.T, b *statusBoard) int {
	t.Helper()
	statuses, err := b.read(ctx, "org")
	if err != nil {
		t.Error(err)
		return 0
	}
	n, err := strconv.Atoi(statuses[0].State)
	if err != nil {
		t.Error(err)
	}
	return n
}

func TestStatusBoardServesManyWithOneRequestPerInterval(t *testing.T) {
	for name, latency := range map[string]time.Duration{"fast": time.Second, "slower than the interval": 2 * testInterval} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, b := board(latency)
				var group sync.WaitGroup
				for range 100 {
					group.Go(func() {
						for last := 0; last < 10; {
							n := readNumber(t.Context(), t, b)
							if n <= last {
								t.Errorf("the answer to request %d came after that to %d", n, last)
								return
							}
							last = n
						}
					})
				}
				group.Wait()
				if got := len(api.sent); got > 11 {
					t.Errorf("%d requests were sent, want at most 11", got)
				}
				for i := range api.sent[1:] {
					if pause := api.sent[i+1].Sub(api.sent[i]); pause < testInterval {
						t.Errorf("requests %d and %d are %s apart", i+1, i+2, pause)
					}
				}
				if api.overlapped {
					t.Error("two requests were under way at a time")
				}
			})
		})
	}
}

func TestStatusBoardDoesNotServeWhatWasAskedBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, b := board(time.Second)
		started := clock.System{}.Now()
		var group sync.WaitGroup
		group.Go(func() {
			if n := readNumber(t.Context(), t, b); n != 1 {
				t.Errorf("the first reader got the answer to request %d", n)
			}
		})
		synctest.Wait() // the first request is under way
		for range 3 {
			group.Go(func() {
				if n := readNumber(t.Context(), t, b); n != 2 {
					t.Errorf("a later reader got the answer to request %d", n)
				}
				if waited := (clock.System{}).Now().Sub(started); waited != testInterval+time.Second {
					t.Errorf("a later reader waited %s", waited)
				}
			})
		}
		group.Wait()
	})
}

func TestStatusBoardAsksAtOnceAfterAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, b := board(0)
		readNumber(t.Context(), t, b)
		if err := (clock.System{}).Sleep(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		if n := readNumber(t.Context(), t, b); n != 2 {
			t.Errorf("got the answer to request %d", n)
		}
		if pause := api.sent[1].Sub(api.sent[0]); pause != time.Hour {
			t.Errorf("the requests are %s apart", pause)
		}
	})
}

func TestStatusBoardKeepsOrganizationsApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, b := board(0)
		for _, organization := range []string{"a", "b", "c"} {
			statuses, err := b.read(t.Context(), organization)
			if err != nil || statuses[0].ClusterID != organization {
				t.Errorf("organization %s has %+v, %v", organization, statuses, err)
			}
		}
		if waited := api.sent[2].Sub(api.sent[0]); waited != 0 {
			t.Errorf("the third organization waited %s for the others", waited)
		}
	})
}

func TestStatusBoardDoesNotKeepErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api, b := board(time.Second)
		api.fail = func(n int) error {
			if n <= 2 {
				return ErrRejected
			}
			return nil
		}
		var (
			group  sync.WaitGroup
			mu     sync.Mutex
			failed int
		)
		for range 10 {
			group.Go(func() {
				statuses, err := b.read(t.Context(), "org")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case errors.Is(err, ErrRejected):
					failed++
				case err != nil || statuses[0].State != "3":
					t.Errorf("a reader got %+v, %v", statuses, err)
				}
			})
		}
		group.Wait()
		if failed != 2 {
			t.Errorf("%d readers got an error, want those two that asked", failed)
		}
		for i := range api.sent[1:] {
			if pause := api.sent[i+1].Sub(api.sent[i]); pause != testInterval {
				t.Errorf("requests %d and %d are %s apart", i+1, i+2, pause)
			}
		}
	})
}

// TestStatusBoardCancellation cancels one reader in each place where a reader waits. Another one is not affected.
func TestStatusBoardCancellation(t *testing.T) {
	tests := map[string]struct {
		// before is how many readers are ahead of the one that is canceled.
		before int
		// asked is whether one of them has just got its answer, so that the next one must wait for the interval.
		asked bool
		// sent is how many requests are sent in all.
		sent int
	}{
		"waiting for its answer":   {sent: 2},
		"waiting for the interval": {asked: true, sent: 2},
		"waiting for its turn":     {before: 1, sent: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, b := board(time.Second)
				var group sync.WaitGroup
				if test.asked {
					readNumber(t.Context(), t, b)
				}
				for range test.before {
					group.Go(func() { readNumber(t.Context(), t, b) })
					synctest.Wait()
				}
				ctx, cancel := context.WithCancel(t.Context())
				group.Go(func() {
					canceled := clock.System{}.Now()
					if _, err := b.read(ctx, "org"); !errors.Is(err, context.Canceled) {
						t.Errorf("the canceled reader got error %v", err)
					}
					if waited := (clock.System{}).Now().Sub(canceled); waited != 0 {
						t.Errorf("the canceled reader waited %s", waited)
					}
				})
				synctest.Wait()
				group.Go(func() { readNumber(t.Context(), t, b) })
				synctest.Wait()
				cancel()
				group.Wait()
				if len(api.sent) != test.sent {
					t.Errorf("%d requests were sent, want %d", len(api.sent), test.sent)
				}
				if pauses := slices.IsSortedFunc(api.sent, func(a, b time.Time) int { return a.Add(testInterval).Compare(b) }); !pauses {
					t.Errorf("requests were sent at %v", api.sent)
				}
			})
		})
	}
}

// TestPlanStatuses reads for a plan some time after a rotation did.
func TestPlanStatuses(t *testing.T) {
	tests := map[string]struct {
		// waited is whether a rotation has read statuses, and pause how long ago.
		waited bool
		pause  time.Duration
		// failing is whether the rotation asks again and gets errors.
		failing bool
		// want is the request whose answer the plan gets.
		want string
	}{
		"nobody waits":        {want: "1"},
		"just read":           {waited: true, want: "1"},
		"an interval later":   {waited: true, pause: testInterval, want: "1"},
		"two intervals later": {waited: true, pause: 2 * testInterval, want: "2"},
		"only failures since": {waited: true, pause: 3 * testInterval, failing: true, want: "5"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				api, b := board(0)
				if test.waited {
					readNumber(t.Context(), t, b)
				}
				api.fail = func(n int) error {
					if test.failing && n < 5 {
						return ErrRejected
					}
					return nil
				}
				for end := (clock.System{}).Now().Add(test.pause); (clock.System{}).Now().Before(end); {
					if !test.failing {
						_ = clock.System{}.Sleep(t.Context(), test.pause)
					} else if _, err := b.read(t.Context(), "org"); !errors.Is(err, ErrRejected) {
						t.Fatalf("error %v", err)
					}
				}
				statuses, err := planStatuses{b, api}.read(t.Context(), "org")
				if err != nil || statuses[0].State != test.want {
					t.Errorf("got %+v, %v, want the answer to request %s", statuses, err, test.want)
				}
			})
		})
	}
}
