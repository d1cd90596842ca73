package qovery

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

const (
	// maxJitter bounds by how much a wait that an answer asks for is made longer.
	maxJitter = 5 * time.Second

	// maxUnlimitedWait is how long an answer may have a request wait whose context has no deadline: that of a plan or a refresh,
	// which shows nobody why it takes long.
	maxUnlimitedWait = 30 * time.Second

	// Numbers below are durations in seconds, and above they are points in time. Both are far from what the API means by the other.
	firstUnixTime      = 1_000_000_000
	firstUnixMilliTime = 1_000_000_000_000
)

// budget is what the API said last about the requests that it allows. Answers to requests side by side may come in any order, so
// it can be wrong by as many.
type budget struct {
	mu       sync.Mutex
	left     int
	resetsAt time.Time
	known    bool
}

// learn keeps what the header of an answer says, if it says anything: a gateway's answer does not.
func (b *budget) learn(header http.Header) {
	left, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left, b.resetsAt, b.known = max(left, 0), resetTime(header), true
}

// resetTime is when the API allows more requests, or zero. Qovery's documentation leaves open whether it tells a time or the
// seconds until then.
func resetTime(header http.Header) time.Time {
	text := header.Get("X-RateLimit-Reset")
	number, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return parseTime(text)
	case number >= firstUnixMilliTime:
		return time.UnixMilli(number).UTC()
	case number >= firstUnixTime:
		return time.Unix(number, 0).UTC()
	default:
		return answeredAt(header).Add(time.Duration(number) * time.Second)
	}
}

// parseTime reads a time of a header, or returns zero.
func parseTime(text string) time.Time {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC()
	}
	at, _ := http.ParseTime(text)
	return at
}

// answeredAt is the time of an answer by the clock of the server, or by this machine's if the answer has none.
func answeredAt(header http.Header) time.Time {
	if at, err := http.ParseTime(header.Get("Date")); err == nil {
		return at
	}
	return time.Now().UTC()
}

// Budget implements [rotation.Qovery].
func (c *Client) Budget() (left int, resetsAt time.Time, known bool) {
	c.budget.mu.Lock()
	defer c.budget.mu.Unlock()
	return c.budget.left, c.budget.resetsAt, c.budget.known
}

// retryAfter is how long an answer asks to wait before the next try.
func retryAfter(header http.Header) (wait time.Duration, ok bool) {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), math.MaxInt32)) * time.Second, true
	}
	at := parseTime(text)
	return max(at.Sub(answeredAt(header)), 0), !at.IsZero()
}

// retry reports whether a request is sent again, as long as somebody waits for it.
func retry(ctx context.Context, resp *http.Response, err error) (bool, error) {
	switch {
	case ctx.Err() != nil || !hasTimeFor(ctx, resp):
		return false, nil
	case ctx.Value(triesKey{}).(*tries).method == http.MethodGet:
		return retryRead(ctx, resp, err)
	default:
		return retryWrite(resp, err), nil
	}
}

// retryRead repeats a request that changes nothing whenever another answer can be better.
func retryRead(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if errors.Is(err, errTooLarge) || errors.Is(err, errIncomplete) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// retryWrite repeats a request that changes something only if it certainly was not carried out: it was turned away
// unread, or there was no connection to send it on.
func retryWrite(resp *http.Response, err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial" || err == nil && resp.StatusCode == http.StatusTooManyRequests
}

// hasTimeFor reports whether a request can wait for as long as the answer asks. If not, the answer helps more now than the end of
// the context later.
func hasTimeFor(ctx context.Context, resp *http.Response) bool {
	if resp == nil {
		return true
	}
	left := maxUnlimitedWait
	if deadline, ok := ctx.Deadline(); ok {
		left = time.Until(deadline)
	}
	wait, _ := retryAfter(resp.Header)
	return wait+jitter(wait) <= left
}

// jitter is by how much a wait may be made longer, so that requests that failed together do not come back together.
func jitter(wait time.Duration) time.Duration { return min(wait/2, maxJitter) }

// backoff waits longer from try to try, or as long as the answer asks for, and a random time more.
func backoff(shortest, longest time.Duration, try int, resp *http.Response) time.Duration {
	wait := retryablehttp.DefaultBackoff(shortest, longest, try, nil)
	if resp != nil {
		if asked, ok := retryAfter(resp.Header); ok {
			wait = asked
		}
	}
	return retryablehttp.LinearJitterBackoff(wait, wait+jitter(wait), 0, nil)
}
