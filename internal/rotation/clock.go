package rotation

import (
	"context"
	"time"
)

// Clock has the time, and waits. Tests pass a clock that they move themselves, so that no test waits.
type Clock interface {
	// Now is the time on the machine that runs the provider.
	Now() time.Time

	// Sleep returns after d, or earlier with the context's error when ctx is done.
	Sleep(ctx context.Context, d time.Duration) error

	// WithTimeout is [context.WithTimeout] on this clock.
	WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc)
}
