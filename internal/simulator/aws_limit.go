package simulator

import "time"

// tokenBucket limits requests: each takes a token, and so many are put back in a second until it is full. One without a size has
// no limit.
type tokenBucket struct {
	size, perSecond, tokens float64
	filledAt                time.Time
}

// LimitIAM has IAM answer Throttling to those requests, of all keys together, that come faster than so many in a second, beyond the
// first ones up to a burst. AWS publishes no such numbers for IAM.
func (w *World) LimitIAM(perSecond, burst float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.iamLimit = tokenBucket{size: burst, perSecond: perSecond, tokens: burst, filledAt: w.clock.Now()}
}

// take takes a token, if there is one.
func (b *tokenBucket) take(now time.Time) bool {
	if b.size == 0 {
		return true
	}
	b.tokens = min(b.size, b.tokens+now.Sub(b.filledAt).Seconds()*b.perSecond)
	b.filledAt = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
