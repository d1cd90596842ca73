// Package clock provides the machine's clock. All other packages use a clock that is passed to them, which is this one
// outside of tests.
package clock

import (
	"context"
	"time"
)

// System is the clock of the machine. It implements rotation.Clock.
type System struct{}

// Now returns the current time.
func (System) Now() time.Time { return time.Now() }

// Sleep returns after d, or earlier with the context's error when ctx is done.
func (System) Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// WithTimeout is [context.WithTimeout].
func (System) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, d)
}
