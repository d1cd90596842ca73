package qovery

import (
	"context"
	"errors"
	"math"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestRetries(t *testing.T) {
	t.Parallel()
	answered := reply(200, okOrganization)
	tests := map[string]struct {
		steps []http.HandlerFunc
		// wantReads and wantWrites are the numbers of requests that are sent by an operation that reads, and by one that writes.
		wantReads, wantWrites int
	}{
		"server error":  {steps: []http.HandlerFunc{reply(503, `{}`), answered}, wantReads: 2, wantWrites: 1},
		"server errors": {steps: []http.HandlerFunc{reply(500, `{}`)}, wantReads: 4, wantWrites: 1},
		"too many requests": {
			steps: []http.HandlerFunc{reply(429, `{}`, "Retry-After", "0"), answered}, wantReads: 2, wantWrites: 2,
		},
		"always too many":      {steps: []http.HandlerFunc{reply(429, `{}`)}, wantReads: 4, wantWrites: 4},
		"page instead of JSON": {steps: []http.HandlerFunc{page(200), answered}, wantReads: 2, wantWrites: 1},
		"reset":                {steps: []http.HandlerFunc{reset, answered}, wantReads: 2, wantWrites: 1},
		"cut off":              {steps: []http.HandlerFunc{cutOff, answered}, wantReads: 2, wantWrites: 1},
		"refusal":              {steps: []http.HandlerFunc{reply(403, `{}`), answered}, wantReads: 1, wantWrites: 1},
		"redirect": {
			steps: []http.HandlerFunc{reply(307, ``, "Location", "/"), answered}, wantReads: 1, wantWrites: 1,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, test.steps...)
			_, _ = api.client(t).Organization(t.Context(), "org")
			if got := len(api.requests()); got != test.wantReads {
				t.Errorf("reading sent %d requests, want %d", got, test.wantReads)
			}
			api = newFakeAPI(t, test.steps...)
			_ = api.client(t).DeployCluster(t.Context(), "org", "cluster")
			if got := len(api.requests()); got != test.wantWrites {
				t.Errorf("writing sent %d requests, want %d", got, test.wantWrites)
			}
		})
	}
}

func TestWriteIsRepeatedWithoutConnection(t *testing.T) {
	api := newFakeAPI(t, reply(201, `{}`))
	var tries int
	transport := func(req *http.Request) (*http.Response, error) {
		if tries++; tries == 1 {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return http.DefaultTransport.RoundTrip(req)
	}
	client := newTestClient(t, Config{URL: api.url, Transport: roundTripper(transport)})
	if err := client.DeployCluster(t.Context(), "org", "cluster"); err != nil {
		t.Fatal(err)
	}
	if tries != 2 || len(api.requests()) != 1 {
		t.Errorf("%d tries and %d requests, want 2 and 1", tries, len(api.requests()))
	}
}

func TestBackoff(t *testing.T) {
	answer := func(retryAfter string) *http.Response {
		return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {retryAfter}}}
	}
	tests := map[string]struct {
		try      int
		resp     *http.Response
		from, to time.Duration
	}{
		"first":              {try: 0, from: time.Second, to: 1500 * time.Millisecond},
		"second":             {try: 1, from: 2 * time.Second, to: 3 * time.Second},
		"bounded":            {try: 10, from: 8 * time.Second, to: 12 * time.Second},
		"asked for":          {resp: answer("4"), from: 4 * time.Second, to: 6 * time.Second},
		"asked for a lot":    {resp: answer("3600"), from: time.Hour, to: time.Hour + maxJitter},
		"asked for nothing":  {resp: answer("0"), try: 2, from: 0, to: 0},
		"asked for nonsense": {resp: answer("soon"), try: 1, from: 2 * time.Second, to: 3 * time.Second},
		"overflow":           {resp: answer("9223372036854775807"), from: math.MaxInt32 * time.Second, to: math.MaxInt32*time.Second + maxJitter},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				if got := backoff(time.Second, 8*time.Second, test.try, test.resp); got < test.from || got > test.to {
					t.Fatalf("waits %s, want between %s and %s", got, test.from, test.to)
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	tests := map[string]struct {
		header []string
		want   time.Duration
		wantOK bool
	}{
		"none":     {},
		"seconds":  {header: []string{"Retry-After", "120"}, want: 2 * time.Minute, wantOK: true},
		"negative": {header: []string{"Retry-After", "-1"}, wantOK: true},
		"nonsense": {header: []string{"Retry-After", "soon"}},
		"time by Qovery's clock": {
			header: []string{"Retry-After", "Mon, 04 Jan 2027 10:00:00 GMT", "Date", "Mon, 04 Jan 2027 09:59:00 GMT"},
			want:   time.Minute, wantOK: true,
		},
		"time that has passed": {
			header: []string{"Retry-After", "Mon, 04 Jan 2027 10:00:00 GMT", "Date", "Mon, 04 Jan 2027 10:01:00 GMT"}, wantOK: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got, ok := retryAfter(headerOf(test.header...)); got != test.want || ok != test.wantOK {
				t.Errorf("got %s, %t, want %s, %t", got, ok, test.want, test.wantOK)
			}
		})
	}
}

// headerOf returns a header with the given pairs.
func headerOf(pairs ...string) http.Header {
	header := http.Header{}
	setPairs(header, pairs)
	return header
}

// TestWaitsThatAreTooLong checks that a request fails at once if its context would end before the wait does.
func TestWaitsThatAreTooLong(t *testing.T) {
	limit := func(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
		return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
	}
	tests := map[string]struct {
		limit  func(context.Context) (context.Context, context.CancelFunc)
		status int
		want   error
	}{
		"deadline":                      {limit: limit(90 * time.Second), status: 429, want: rotation.ErrThrottled},
		"deadline right after the wait": {limit: limit(time.Hour + time.Second), status: 429, want: rotation.ErrThrottled},
		"no deadline":                   {limit: context.WithCancel, status: 429, want: rotation.ErrThrottled},
		"unavailable":                   {limit: limit(time.Minute), status: 503},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, reply(test.status, `{"message":"slow down"}`, "Retry-After", "3600"))
			ctx, cancel := test.limit(t.Context())
			defer cancel()
			_, readErr := api.client(t).Organization(ctx, "org")
			writeErr := api.client(t).DeployCluster(ctx, "org", "cluster")
			for _, err := range []error{readErr, writeErr} {
				if !strings.Contains(err.Error(), "retry after 1h0m0s: slow down") || !errors.Is(err, test.want) && test.want != nil ||
					rotation.IsDefinite(err) != (test.want != nil) {
					t.Errorf("error = %v, want %v with the time", err, test.want)
				}
			}
			if n := len(api.requests()); n != 2 {
				t.Errorf("sent %d requests, want one of each kind", n)
			}
		})
	}
}

func TestHasTimeFor(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
	defer cancel()
	if !hasTimeFor(ctx, &http.Response{Header: headerOf("Retry-After", "3600")}) {
		t.Error("a request that has two hours does not wait for one")
	}
	if !hasTimeFor(t.Context(), &http.Response{Header: headerOf("Retry-After", "20")}) {
		t.Error("a request without a deadline does not wait for 20 seconds")
	}
}

func TestBudget(t *testing.T) {
	const date = "Mon, 04 Jan 2027 09:00:00 GMT"
	at := func(hour, minute int) time.Time {
		return time.Date(2027, time.January, 4, hour, minute, 0, 0, time.UTC)
	}
	tests := map[string]struct {
		header    []string
		wantLeft  int
		wantReset time.Time
		wantKnown bool
	}{
		"nothing":   {header: []string{"Date", date, "X-RateLimit-Limit", "1000", "X-RateLimit-Reset", "60"}},
		"no number": {header: []string{"X-RateLimit-Remaining", "many"}},
		"no time":   {header: []string{"X-RateLimit-Remaining", "7"}, wantLeft: 7, wantKnown: true},
		"less than nothing": {
			header: []string{"X-RateLimit-Remaining", "-3", "X-RateLimit-Reset", "soon"}, wantKnown: true,
		},
		"seconds": {
			header:   []string{"Date", date, "X-RateLimit-Limit", "1000", "X-RateLimit-Remaining", "998", "X-RateLimit-Reset", "1800"},
			wantLeft: 998, wantReset: at(9, 30), wantKnown: true,
		},
		"seconds since 1970": {
			header:   []string{"Date", date, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "1799056800"},
			wantLeft: 1, wantReset: at(10, 0), wantKnown: true,
		},
		"milliseconds since 1970": {
			header:   []string{"Date", date, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "1799056800000"},
			wantLeft: 1, wantReset: at(10, 0), wantKnown: true,
		},
		"time": {
			header:   []string{"Date", date, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "2027-01-04T11:00:00+01:00"},
			wantLeft: 1, wantReset: at(10, 0), wantKnown: true,
		},
		"time of HTTP": {
			header:   []string{"Date", date, "X-RateLimit-Remaining", "1", "X-RateLimit-Reset", "Mon, 04 Jan 2027 10:00:00 GMT"},
			wantLeft: 1, wantReset: at(10, 0), wantKnown: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			client := newFakeAPI(t, reply(200, okOrganization, test.header...)).client(t)
			if _, _, known := client.Budget(); known {
				t.Error("a budget is known before the first answer")
			}
			if _, err := client.Organization(t.Context(), "org"); err != nil {
				t.Fatal(err)
			}
			left, resetsAt, known := client.Budget()
			if left != test.wantLeft || !resetsAt.Equal(test.wantReset) || known != test.wantKnown {
				t.Errorf("got %d until %s, %t, want %d until %s, %t", left, resetsAt, known, test.wantLeft, test.wantReset, test.wantKnown)
			}
		})
	}
}

// TestBudgetOfTheLastAnswer checks that every answer of the API changes the budget, including errors and answers to writes. The
// answer of a gateway does not.
func TestBudgetOfTheLastAnswer(t *testing.T) {
	api := newFakeAPI(t,
		reply(201, `{}`, "X-RateLimit-Remaining", "3"),
		reply(404, `{}`, "X-RateLimit-Remaining", "2"),
		page(403))
	client := api.client(t)
	for i, want := range []int{3, 2, 2} {
		_ = client.DeployCluster(t.Context(), "org", "cluster")
		if left, _, known := client.Budget(); left != want || !known {
			t.Errorf("after %d answers %d requests are left, %t, want %d", i+1, left, known, want)
		}
	}
}
