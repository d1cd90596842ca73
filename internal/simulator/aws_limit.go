package simulator

import "time"

// tokenBucket limits requests. Each request takes a token, and perSecond tokens are added in a second until the bucket is
// full. A bucket of size 0 has no limit.
type tokenBucket struct {
	size, perSecond, tokens float64
	filledAt                time.Time
}

// LimitIAM makes IAM answer Throttling to requests above a rate and a burst, which all keys share. AWS publishes no such
// numbers for IAM.
func (w *World) LimitIAM(perSecond, burst float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.iamLimit = tokenBucket{size: burst, perSecond: perSecond, tokens: burst, filledAt: w.clock.Now()}
}

// take takes a token, and reports whether there was one.
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
