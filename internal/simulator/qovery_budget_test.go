package simulator

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

func TestBudget(t *testing.T) {
	for _, c := range []struct {
		config     Config
		resets     string // 20 minutes after the start
		nextResets string // an hour later, and a request earlier than that
	}{
		{Config{}, "2400", "3600"},
		{Config{BudgetResetIsTime: true}, fmt.Sprint(start.Add(time.Hour).Unix()), fmt.Sprint(start.Add(2 * time.Hour).Unix())},
	} {
		p := newProduction(t, c.config)
		get := func() reply { return ask(t, p.w, http.MethodGet, p.path(""), nil) }
		expect := func(r reply, status int, left, resets, retryAfter string) {
			t.Helper()
			h := r.header
			if r.status != status || h.Get("X-RateLimit-Remaining") != left || h.Get("X-RateLimit-Reset") != resets ||
				h.Get("Retry-After") != retryAfter {
				t.Errorf("got %d with %v", r.status, h)
			}
		}
		expect(get(), http.StatusOK, "", "", "")
		p.w.SetBudget(10)
		p.w.Clock().Advance(20 * time.Minute)
		if got := get().header.Get("X-RateLimit-Limit"); got != "10" {
			t.Errorf("the limit is %q", got)
		}
		p.w.SpendBudget(8)
		expect(get(), http.StatusOK, "0", c.resets, "")
		expect(get(), http.StatusTooManyRequests, "0", c.resets, "2400")
		p.w.Clock().Advance(40 * time.Minute)
		p.w.FailNext(OpGetOrganization, FaultBefore500)
		if got := get(); got.status != http.StatusInternalServerError || got.header.Get("X-RateLimit-Limit") != "10" {
			t.Errorf("another error: %d with %v", got.status, got.header)
		}
		expect(get(), http.StatusOK, "9", c.nextResets, "")
		p.w.SetBudget(0)
		expect(get(), http.StatusOK, "", "", "")
	}
}
