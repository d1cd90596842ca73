package simulator

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

var start = time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC)

func TestSleepMovesASimulatedClock(t *testing.T) {
	clock := NewClock(start)
	if err := clock.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := clock.Now().Sub(start); got != 2*time.Hour {
		t.Errorf("the clock moved by %s, want 2h", got)
	}
}

// TestSleepersDoNotAddUp checks that parallel sleepers sleep at the same time, and not one after the other.
func TestSleepersDoNotAddUp(t *testing.T) {
	clock := NewClock(start)
	var sleepers sync.WaitGroup
	for range 50 {
		sleepers.Go(func() {
			for range 10 {
				if err := clock.Sleep(t.Context(), time.Second); err != nil {
					t.Error(err)
				}
			}
		})
	}
	sleepers.Wait()
	if got := clock.Now().Sub(start); got < 10*time.Second || got > 100*time.Second {
		t.Errorf("the clock moved by %s, want little more than 10s and not 500s", got)
	}
}

func TestSleepWaitsForRequestsUnderWay(t *testing.T) {
	clock := NewClock(start)
	clock.begin()
	awake := make(chan error)
	go func() { awake <- clock.Sleep(t.Context(), time.Second) }()
	select {
	case err := <-awake:
		t.Fatalf("the clock moved although a request was under way: %v", err)
	case <-time.After(10 * settle):
	}
	clock.end()
	if err := <-awake; err != nil {
		t.Error(err)
	}
}

func TestSleepEndsWithItsContext(t *testing.T) {
	clock := NewClock(start)
	clock.begin() // so that the clock stands still
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(settle, cancel)
	if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep returned %v, want %v", err, context.Canceled)
	}
	if err := clock.Sleep(ctx, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Sleep on a canceled context returned %v, want %v", err, context.Canceled)
	}
	if got := clock.Now(); !got.Equal(start) {
		t.Errorf("the clock moved to %s", got)
	}
}

func TestClockNeverMovesBack(t *testing.T) {
	clock := NewClock(start)
	clock.AdvanceTo(start.Add(time.Hour))
	clock.AdvanceTo(start)
	clock.Advance(-time.Minute)
	if got := clock.Now().Sub(start); got != time.Hour {
		t.Errorf("the clock is at +%s, want +1h", got)
	}
}

func TestWithTimeout(t *testing.T) {
	t.Run("ends when the clock passes", func(t *testing.T) {
		clock := NewClock(start)
		ctx, cancel := clock.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		child, cancelChild := context.WithCancel(ctx)
		defer cancelChild()
		clock.Advance(59 * time.Second)
		if err := ctx.Err(); err != nil {
			t.Fatalf("ended early: %s", err)
		}
		clock.Advance(time.Second)
		if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Err is %v", err)
		}
		<-child.Done()
		if err := context.Cause(child); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the cause of a child is %v", err)
		}
	})
	t.Run("is ended by a sleeper", func(t *testing.T) {
		clock := NewClock(start)
		ctx, cancel := clock.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		for i := 0; i < 100 && err == nil; i++ {
			err = clock.Sleep(ctx, 25*time.Second)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Sleep returned %v", err)
		}
		if got := clock.Now().Sub(start); got != 75*time.Second {
			t.Errorf("the clock moved by %s, want 75s", got)
		}
	})
	t.Run("ends with its parent", func(t *testing.T) {
		parent, cancelParent := context.WithCancel(t.Context())
		ctx, cancel := NewClock(start).WithTimeout(parent, time.Minute)
		defer cancel()
		cancelParent()
		<-ctx.Done()
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("Err is %v", err)
		}
	})
	t.Run("stays canceled", func(t *testing.T) {
		clock := NewClock(start)
		ctx, cancel := clock.WithTimeout(t.Context(), time.Minute)
		cancel()
		clock.Advance(time.Hour)
		if err := ctx.Err(); !errors.Is(err, context.Canceled) {
			t.Errorf("Err is %v", err)
		}
	})
	t.Run("has no deadline in real time", func(t *testing.T) {
		ctx, cancel := NewClock(start).WithTimeout(t.Context(), time.Minute)
		defer cancel()
		want, wantOK := t.Context().Deadline()
		if got, ok := ctx.Deadline(); !got.Equal(want) || ok != wantOK {
			t.Errorf("Deadline is %s, %t, want the parent's", got, ok)
		}
	})
}

func TestRealClock(t *testing.T) {
	clock := NewRealClock()
	before := clock.Now()
	if err := clock.Sleep(t.Context(), 5*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got := clock.Now().Sub(before); got < 5*time.Millisecond {
		t.Errorf("5ms took %s", got)
	}
	ctx, cancel := clock.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	clock.Advance(time.Hour)
	if err := ctx.Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Err is %v after an hour was skipped", err)
	}
}
