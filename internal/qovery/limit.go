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
	// maxJitter is the maximum that is added to a wait.
	maxJitter = 5 * time.Second

	// maxUnlimitedWait is the maximum wait if the context has no deadline. That is the case in a plan or a refresh, which cannot
	// show the user why it takes long.
	maxUnlimitedWait = 30 * time.Second

	// Smaller numbers are durations in seconds, and larger ones are points in time. No plausible value of one is one of the other.
	firstUnixTime      = 1_000_000_000
	firstUnixMilliTime = 1_000_000_000_000
)

// budget is the number of requests that the API still allows, according to its last answer. Answers to parallel requests
// arrive in any order, so the number can be too high or too low by the number of these requests.
type budget struct {
	mu       sync.Mutex
	left     int
	resetsAt time.Time
	known    bool
}

// learn stores the budget from the header of an answer. The answer of a gateway has none, and changes nothing.
func (b *budget) learn(header http.Header) {
	left, err := strconv.Atoi(header.Get("X-RateLimit-Remaining"))
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left, b.resetsAt, b.known = max(left, 0), resetTime(header), true
}

// resetTime returns when the API allows more requests, or zero. Qovery's documentation does not specify whether the header
// has a time or the seconds until then.
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

// parseTime parses the time in a header, or returns zero.
func parseTime(text string) time.Time {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC()
	}
	at, _ := http.ParseTime(text)
	return at
}

// answeredAt returns the time of an answer by the server's clock, or by this machine's if the answer has none.
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

// retryAfter returns how long an answer asks to wait before the next try.
func retryAfter(header http.Header) (wait time.Duration, ok bool) {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.Duration(min(max(seconds, 0), math.MaxInt32)) * time.Second, true
	}
	at := parseTime(text)
	return max(at.Sub(answeredAt(header)), 0), !at.IsZero()
}

// retry reports whether a request is sent again. It is not if its context has ended, or will end before the next try.
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

// retryRead reports whether to repeat a request that changes nothing: whenever the next answer may be better.
func retryRead(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if errors.Is(err, errTooLarge) || errors.Is(err, errIncomplete) {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, resp, err)
}

// retryWrite reports whether to repeat a request that changes something. That is safe only if it was certainly not carried out:
// the API refused it for the rate limit, or there was no connection.
func retryWrite(resp *http.Response, err error) bool {
	operation, ok := errors.AsType[*net.OpError](err)
	return ok && operation.Op == "dial" || err == nil && resp.StatusCode == http.StatusTooManyRequests
}

// hasTimeFor reports whether a request can wait as long as the answer asks. If not, returning the answer now helps more than a
// timeout later.
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

// jitter returns the maximum to add to a wait, so that requests that failed together are not repeated at the same time.
func jitter(wait time.Duration) time.Duration { return min(wait/2, maxJitter) }

// backoff returns the wait before the next try: as long as the answer asks for, or longer with every try, plus a random time.
func backoff(shortest, longest time.Duration, try int, resp *http.Response) time.Duration {
	wait := retryablehttp.DefaultBackoff(shortest, longest, try, nil)
	if resp != nil {
		if asked, ok := retryAfter(resp.Header); ok {
			wait = asked
		}
	}
	return retryablehttp.LinearJitterBackoff(wait, wait+jitter(wait), 0, nil)
}
