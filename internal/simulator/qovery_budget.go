package simulator

import (
	"net/http"
	"strconv"
	"time"
)

// budget is the number of requests that Qovery answers in an hour.
type budget struct {
	limit, left int // a limit of 0 means no limit
	reset       time.Time
}

// SetBudget limits the requests per hour that Qovery answers, which all tokens share, and adds the headers with the budget.
// The first hour begins now. 0 removes the limit.
func (w *World) SetBudget(requestsPerHour int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget = budget{requestsPerHour, requestsPerHour, w.clock.Now().Add(time.Hour)}
}

// SpendBudget reduces this hour's budget.
func (w *World) SpendBudget(requests int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.budget.renew(w.clock.Now())
	w.budget.left = max(w.budget.left-requests, 0)
}

func (b *budget) renew(now time.Time) {
	if !now.Before(b.reset) {
		b.left, b.reset = b.limit, now.Add(time.Hour)
	}
}

// spend counts a request, or refuses it.
func (w *World) spend(header http.Header) error {
	b, now := &w.budget, w.clock.Now()
	if b.limit == 0 {
		return nil
	}
	b.renew(now)
	if b.left == 0 {
		header.Set("Retry-After", seconds(b.reset.Sub(now)))
		return refuse(http.StatusTooManyRequests, "Too many requests: %d an hour are allowed", b.limit)
	}
	b.left--
	return nil
}

// stampBudget sets the headers with the budget.
func (w *World) stampBudget(header http.Header) {
	b := w.budget
	if b.limit == 0 {
		return
	}
	reset := seconds(b.reset.Sub(w.clock.Now()))
	if w.config.BudgetResetIsTime {
		reset = strconv.FormatInt(b.reset.Add(w.skewQovery).Unix(), 10)
	}
	header.Set("X-Ratelimit-Limit", strconv.Itoa(b.limit))
	header.Set("X-Ratelimit-Remaining", strconv.Itoa(b.left))
	header.Set("X-Ratelimit-Reset", reset)
}

// seconds formats a duration in seconds. It rounds up, so that a wait of that many seconds is long enough.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max(d+time.Second-1, 0) / time.Second))
}
