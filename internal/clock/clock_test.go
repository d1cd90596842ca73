package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestSystemSleep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock System
		started := clock.Now()
		if err := clock.Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
		if slept := clock.Now().Sub(started); slept != time.Minute {
			t.Errorf("slept %s", slept)
		}
	})
}

func TestSystemSleepEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var clock System
		started := clock.Now()
		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		limited, stop := clock.WithTimeout(t.Context(), time.Second)
		defer stop()
		for ctx, want := range map[context.Context]error{canceled: context.Canceled, limited: context.DeadlineExceeded} {
			if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
		}
		if slept := clock.Now().Sub(started); slept != time.Second {
			t.Errorf("slept %s", slept)
		}
	})
}
