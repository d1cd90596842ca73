package simulator

import (
	"context"
	"sync"
	"time"
)

// settle is how long, in real time, nothing may happen before a simulated clock moves to where the next sleeper wants it.
// It is long enough for a program that is not waiting to send its next request, so that many who sleep at the same time
// sleep side by side and not one after the other.
const settle = time.Millisecond

// patience is how many times as long it has to be before somebody's time limit ends. Who has a limit and does not sleep is at work:
// on a machine that is busy, even without a processor.
const patience = 50

// Clock is the time of a [World]. A simulated clock stands still until somebody advances it or sleeps on it; a real one
// goes on by itself and can be advanced too.
type Clock struct {
	mu       sync.Mutex
	now      time.Time // of a real clock: at the moment started
	started  time.Time // zero for a simulated clock
	alarms   map[*alarm]struct{}
	watchers []func()
	busy     int  // requests under way
	stirred  bool // something happened since pump looked
	quiet    int  // times that nothing had happened when pump looked
	pumping  bool
}

// alarm is a time that somebody waits for.
type alarm struct {
	at    time.Time
	ring  func()
	pulls bool // the clock moves for its sake
	timer *time.Timer
}

// NewClock returns a simulated clock.
func NewClock(start time.Time) *Clock {
	return &Clock{now: start, alarms: map[*alarm]struct{}{}}
}

// NewRealClock returns a clock that follows real time from the present on.
func NewRealClock() *Clock {
	now := time.Now()
	return &Clock{now: now, started: now, alarms: map[*alarm]struct{}{}}
}

// Now is the time on this clock.
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

// Sleep returns when the clock is d further, or earlier with the context's error when ctx is done. A simulated clock moves
// there by itself as soon as nobody does anything anymore. Those who sleep until the same time wake up together.
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

// wait returns when the clock is d further, without moving it there.
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

// watch has f called after every change of a simulated clock.
func (c *Clock) watch(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.watchers = append(c.watchers, f)
}

// begin and end tell the clock that a request is under way: a simulated clock does not move by itself meanwhile.
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

// set has ring called once the clock is d further.
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

// pump moves a simulated clock to the first sleeper's time once everything is quiet, for as long as anybody sleeps.
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
	c.stirred = moves // whoever wakes up stirs
	if moves {
		c.moveAndUnlock(first.at)
	} else {
		c.mu.Unlock()
	}
	time.AfterFunc(settle, c.pump)
}

// endsLimit reports whether a move to a time ends a limit of somebody who does not sleep until then.
func (c *Clock) endsLimit(at time.Time) bool {
	for a := range c.alarms {
		if !a.pulls && !a.at.After(at) {
			return true
		}
	}
	return false
}

// moveAndUnlock moves the clock unless t is over already, and rings. The watchers come first: whoever wakes up finds a
// world that knows what time it is.
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

// timeout is a context that a clock ends. It is a type of its own, because a context that is canceled for a reason still
// reports [context.Canceled], and because its deadline is on another clock than the one that readers of
// [context.Context.Deadline] compare it with.
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

// Err implements [context.Context]. The end of the parent counts at once, as with a context of the standard library.
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
