package simulator

import (
	"context"
	"sync"
	"time"
)

// settle is the real time without requests and new waits after which a simulated clock moves to the next sleeper's time. It
// is long enough for a working program to send its next request. So programs that sleep at the same time sleep in parallel.
const settle = time.Millisecond

// patience is the multiple of settle that is required before a move that ends a time limit. A program with a time limit that
// does not sleep is at work. On a busy machine it may have no processor.
const patience = 50

// Clock is the clock of a [World]. A simulated clock moves only if it is advanced or slept on. A real one follows real time,
// and can also be advanced.
type Clock struct {
	mu       sync.Mutex
	now      time.Time // for a real clock: its time when it started
	started  time.Time // real time; zero for a simulated clock
	alarms   map[*alarm]struct{}
	watchers []func()
	busy     int  // number of requests in progress
	stirred  bool // something happened since the last pump
	quiet    int  // consecutive pumps since which nothing happened
	pumping  bool
}

// alarm is a wait for a time.
type alarm struct {
	at    time.Time
	ring  func()
	pulls bool // a simulated clock moves to this time by itself
	timer *time.Timer
}

// NewClock returns a simulated clock.
func NewClock(start time.Time) *Clock {
	return &Clock{now: start, alarms: map[*alarm]struct{}{}}
}

// NewRealClock returns a clock that follows real time and starts now.
func NewRealClock() *Clock {
	now := time.Now()
	return &Clock{now: now, started: now, alarms: map[*alarm]struct{}{}}
}

// Now returns the time of this clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current()
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.moveAndUnlock(c.current().Add(d))
}

// AdvanceTo moves the clock forward to a time. It never moves the clock back.
func (c *Clock) AdvanceTo(t time.Time) {
	c.mu.Lock()
	c.moveAndUnlock(t)
}

// Sleep returns after d on this clock, or earlier with the context's error when ctx is done. A simulated clock moves there by
// itself when nothing else happens. Sleepers with the same time wake up together.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	awake := make(chan struct{})
	a := c.set(d, true, func() { close(awake) })
	defer c.drop(a)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-awake:
		return nil
	}
}

// WithTimeout is [context.WithTimeout] on this clock.
func (c *Clock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	timeout, cancel := newTimeout(ctx)
	a := c.set(d, false, func() { timeout.end(context.DeadlineExceeded) })
	return timeout, func() {
		c.drop(a)
		cancel()
	}
}

// wait returns after d on this clock. Unlike Sleep it does not move the clock.
func (c *Clock) wait(ctx context.Context, d time.Duration) error {
	over := make(chan struct{})
	a := c.set(d, false, func() { close(over) })
	defer c.drop(a)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-over:
		return nil
	}
}

// watch adds a function that is called after every move of the clock.
func (c *Clock) watch(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, f)
}

// begin and end enclose a request, during which a simulated clock does not move by itself.
func (c *Clock) begin() { c.count(1) }
func (c *Clock) end()   { c.count(-1) }

func (c *Clock) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += n
	c.stirred = true
}

func (c *Clock) current() time.Time {
	if c.started.IsZero() {
		return c.now
	}
	return c.now.Add(time.Since(c.started))
}

// set adds an alarm that rings after d on this clock.
func (c *Clock) set(d time.Duration, pulls bool, ring func()) *alarm {
	c.mu.Lock()
	a := &alarm{at: c.current().Add(d), ring: ring, pulls: pulls}
	c.alarms[a] = struct{}{}
	c.stirred = true
	switch {
	case d <= 0:
		c.moveAndUnlock(a.at)
		return a
	case !c.started.IsZero():
		a.timer = time.AfterFunc(d, func() { c.AdvanceTo(a.at) })
	case pulls && !c.pumping:
		c.pumping = true
		time.AfterFunc(settle, c.pump)
	}
	c.mu.Unlock()
	return a
}

func (c *Clock) drop(a *alarm) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.alarms, a)
	if a.timer != nil {
		a.timer.Stop()
	}
}

// pump moves a simulated clock to the first sleeper's time if nothing happened since the last call. It repeats itself until
// nobody sleeps.
func (c *Clock) pump() {
	c.mu.Lock()
	var first *alarm
	for a := range c.alarms {
		if a.pulls && (first == nil || a.at.Before(first.at)) {
			first = a
		}
	}
	if first == nil {
		c.pumping = false
		c.mu.Unlock()
		return
	}
	if c.busy > 0 || c.stirred {
		c.quiet = 0
	} else {
		c.quiet++
	}
	moves := c.quiet > 0 && (c.quiet >= patience || !c.endsLimit(first.at))
	c.stirred = moves // a sleeper that wakes up has something to do
	if moves {
		c.moveAndUnlock(first.at)
	} else {
		c.mu.Unlock()
	}
	time.AfterFunc(settle, c.pump)
}

// endsLimit reports whether a move to a time would end a time limit.
func (c *Clock) endsLimit(at time.Time) bool {
	for a := range c.alarms {
		if !a.pulls && !a.at.After(at) {
			return true
		}
	}
	return false
}

// moveAndUnlock moves the clock forward to t, and rings the alarms that are due. The watchers are called first, so that
// sleepers wake up in a world that is up to date.
func (c *Clock) moveAndUnlock(t time.Time) {
	if ahead := t.Sub(c.current()); ahead > 0 {
		c.now = c.now.Add(ahead)
	}
	now := c.current()
	var due []*alarm
	for a := range c.alarms {
		if !a.at.After(now) {
			due = append(due, a)
			delete(c.alarms, a)
		}
	}
	watchers := c.watchers
	c.mu.Unlock()
	for _, f := range watchers {
		f()
	}
	for _, a := range due {
		a.ring()
	}
}

// timeout is a context that ends at a time of a [Clock]. It cannot be a context with a cancellation cause, which reports
// [context.Canceled]. It has no deadline of its own, because users of [context.Context.Deadline] compare it with the real time.
type timeout struct {
	context.Context
	done chan struct{}
	mu   sync.Mutex
	err  error
}

func newTimeout(parent context.Context) (*timeout, context.CancelFunc) {
	t := &timeout{Context: parent, done: make(chan struct{})}
	stop := context.AfterFunc(parent, func() { t.end(parent.Err()) })
	return t, func() {
		stop()
		t.end(context.Canceled)
	}
}

// Done implements [context.Context].
func (t *timeout) Done() <-chan struct{} { return t.done }

// Err implements [context.Context]. It reports the end of the parent at once, as contexts of the standard library do.
func (t *timeout) Err() error {
	if err := t.Context.Err(); err != nil {
		t.end(err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *timeout) end(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
		close(t.done)
	}
}
