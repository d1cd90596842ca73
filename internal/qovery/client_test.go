package qovery

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	testToken  = "qov_test/token+1"
	testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

// received is a request that the fake API received.
type received struct {
	method, path, body string
	header             http.Header
}

// fakeAPI answers requests with its steps in turn, and further requests with the last step.
type fakeAPI struct {
	url   string
	mu    sync.Mutex
	steps []http.HandlerFunc
	got   []received
}

func newFakeAPI(t *testing.T, steps ...http.HandlerFunc) *fakeAPI {
	t.Helper()
	api := &fakeAPI{steps: steps}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	api.url = server.URL
	return api
}

// ServeHTTP implements [http.Handler].
func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.got = append(f.got, received{method: r.Method, path: r.URL.Path, body: string(body), header: r.Header})
	step := f.steps[min(len(f.got), len(f.steps))-1]
	f.mu.Unlock()
	step(w, r)
}

func (f *fakeAPI) requests() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

func (f *fakeAPI) client(t *testing.T) *Client {
	t.Helper()
	return newTestClient(t, Config{URL: f.url})
}

func newTestClient(t *testing.T, config Config) *Client {
	t.Helper()
	config.Token, config.UserAgent = cmp.Or(config.Token, testToken), "test/1.0"
	config.RetryWaitMin, config.RetryWaitMax = time.Millisecond, time.Millisecond
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// reply answers with a status, a body, and headers in pairs.
func reply(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		setPairs(w.Header(), headers)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func setPairs(header http.Header, pairs []string) {
	for pair := range slices.Chunk(pairs, 2) {
		header.Set(pair[0], pair[1])
	}
}

func page(status int) http.HandlerFunc {
	return reply(status, "<html><body>Bad gateway</body></html>", "Content-Type", "text/html; charset=utf-8")
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// cutOff sends less than its Content-Length.
func cutOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, `{"id":`)
}

// hang does not answer before the client gives up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

type roundTripper func(*http.Request) (*http.Response, error)

// RoundTrip implements [http.RoundTripper].
func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

const okOrganization = `{"id":"org","name":"acme"}`

func TestParseToken(t *testing.T) {
	for raw, want := range map[string]string{
		testToken:                testToken,
		" " + testToken + "\r\n": testToken,
		"":                       "",
		" \n":                    "",
		"hunter2 hunter2":        "",
		"hunter2\nhunter2":       "",
		"hunter2\x00":            "",
		"\ufeffhunter2":          "",
	} {
		got, err := ParseToken(raw)
		if got != want || (err == nil) != (want != "") || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("ParseToken(%q) = %q, %v, want %q", raw, got, err, want)
		}
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Config{Token: " \n"}); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("without a token: error = %v", err)
	}
	if _, err := New(Config{URL: "http://example.com", Token: testToken}); err == nil {
		t.Error("a token would go to a host without https")
	}
}

func TestRequest(t *testing.T) {
	api := newFakeAPI(t, reply(http.StatusCreated, `{"status":"DEPLOYED"}`))
	client := newTestClient(t, Config{URL: api.url + "/prefix/"})
	if err := client.DeployCluster(t.Context(), "org", "a/b"); err != nil {
		t.Fatal(err)
	}
	got := api.requests()[0]
	if got.method != http.MethodPost || got.path != "/prefix/organization/org/cluster/a/b/deploy" || got.body != "" {
		t.Errorf("got %s %s %q", got.method, got.path, got.body)
	}
	for header, want := range map[string]string{
		"Authorization": "Token " + testToken,
		"Accept":        "application/json",
		"User-Agent":    "test/1.0",
		"Content-Type":  "",
	} {
		if value := got.header.Get(header); value != want {
			t.Errorf("%s = %q, want %q", header, value, want)
		}
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		step http.HandlerFunc
		// want is nil for an error that is not definite.
		want        error
		wantMessage string
	}{
		"unauthenticated": {
			step: reply(401, `{"message":"token expired"}`, "X-Request-Id", "req-1"), want: rotation.ErrUnauthenticated,
			wantMessage: "Qovery API: getOrganization (GET /organization/org): HTTP 401: token expired (request id req-1)",
		},
		"unauthenticated, empty": {
			step: reply(401, ""), want: rotation.ErrUnauthenticated, wantMessage: "empty response",
		},
		"forbidden": {
			step: reply(403, `{"detail":"no rights"}`), want: rotation.ErrForbidden,
			wantMessage: "HTTP 403: no rights",
		},
		"forbidden by a gateway": {step: page(403), want: rotation.ErrForbidden, wantMessage: "HTTP 403: HTML page"},
		"not found": {
			step: reply(404, `{"error":"Not Found"}`), want: rotation.ErrNotFound, wantMessage: "Not Found",
		},
		"not found, empty": {step: reply(404, ""), want: rotation.ErrNotFound, wantMessage: "empty response"},
		"with detail": {
			step: reply(403, `{"type":"about:blank","title":"Forbidden","status":403,"detail":"no rights here"}`),
			want: rotation.ErrForbidden, wantMessage: "HTTP 403: no rights here",
		},
		"with status, error and message": {
			step: reply(401, `{"status":401,"error":"Unauthorized","message":"policy denies cluster:update"}`),
			want: rotation.ErrUnauthenticated, wantMessage: "HTTP 401: policy denies cluster:update",
		},
		"with status, error and no message": {
			step: reply(403, `{"status":403,"error":"Forbidden","message":""}`), want: rotation.ErrForbidden,
			wantMessage: "HTTP 403: Forbidden",
		},
		"not found by a gateway": {step: page(404), wantMessage: "HTTP 404: HTML page"},
		"bad request": {
			step: reply(400, `{"status":400,"title":"Bad Request","message":null}`), want: rotation.ErrRejected,
			wantMessage: "HTTP 400: Bad Request",
		},
		"bad request by a gateway": {step: page(400), wantMessage: "HTTP 400: HTML page"},
		"conflict": {
			step: reply(409, `{"message":{"nested":1}}`), want: rotation.ErrRejected,
			wantMessage: "without a message",
		},
		"unprocessable": {
			step: reply(422, `[]`), want: rotation.ErrRejected, wantMessage: "without a message",
		},
		"plain text": {
			step: reply(400, "no\r\n such \x1b[31mthing"), want: rotation.ErrRejected,
			wantMessage: "not JSON: no such thing",
		},
		"request timeout": {step: reply(408, `{}`), wantMessage: "HTTP 408"},
		"too many requests": {
			step: reply(429, `{}`, "Retry-After", "0"), want: rotation.ErrThrottled, wantMessage: "HTTP 429",
		},
		"server error":            {step: reply(500, `{"message":"oops"}`), wantMessage: "HTTP 500: oops"},
		"bad gateway":             {step: page(502), wantMessage: "HTTP 502: HTML page"},
		"page instead of JSON":    {step: page(200), wantMessage: "HTTP 200: HTML page"},
		"nothing instead of JSON": {step: reply(200, ""), wantMessage: "HTTP 200: empty response"},
		"nonsense":                {step: reply(200, `{"id":`), wantMessage: "HTTP 200: response is not JSON"},
		"another type":            {step: reply(200, `{"id":[]}`), wantMessage: "HTTP 200: json: cannot unmarshal"},
		"incomplete": {
			step:        reply(200, `{"name":"acme"}`),
			wantMessage: "HTTP 200: incomplete response: an organization without an id",
		},
		"redirect": {step: reply(302, "", "Location", "/login"), wantMessage: "HTTP 302: unexpected redirect"},
		"cut off":  {step: cutOff, wantMessage: "unexpected EOF"},
		"reset":    {step: reset, wantMessage: "connection reset"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFakeAPI(t, test.step).client(t).Organization(t.Context(), "org")
			if _, ok := errors.AsType[*Error](err); !ok {
				t.Fatalf("error = %v, want an *Error", err)
			}
			if !strings.Contains(err.Error(), test.wantMessage) {
				t.Errorf("error = %v, want %q in it", err, test.wantMessage)
			}
			if definite := rotation.IsDefinite(err); definite != (test.want != nil) || definite && !errors.Is(err, test.want) {
				t.Errorf("error = %v, definite = %t, want %v", err, definite, test.want)
			}
		})
	}
}

func TestRedirectGetsNoToken(t *testing.T) {
	other := newFakeAPI(t, reply(200, okOrganization))
	api := newFakeAPI(t, reply(307, "", "Location", other.url+"/organization/org"))
	if _, err := api.client(t).Organization(t.Context(), "org"); err == nil {
		t.Error("a redirect was taken for an answer")
	}
	if err := api.client(t).DeployCluster(t.Context(), "org", "cluster"); err == nil {
		t.Error("a redirect was taken for a deployment")
	}
	if got := other.requests(); len(got) > 0 {
		t.Errorf("the other host got %v", got)
	}
}

func TestRequestTimeout(t *testing.T) {
	api := newFakeAPI(t, hang)
	client := newTestClient(t, Config{URL: api.url, RequestTimeout: 20 * time.Millisecond, MaxTries: 2})
	_, err := client.Organization(t.Context(), "org")
	if err == nil || rotation.IsDefinite(err) || errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "timed out") {
		t.Errorf("error = %v, want an unclear one that is not the caller's deadline", err)
	}
	if got := len(api.requests()); got != 2 {
		t.Errorf("sent %d requests, want 2", got)
	}
}

func TestCancellation(t *testing.T) {
	for name, step := range map[string]http.HandlerFunc{
		"while the answer is awaited": hang,
		"between two tries":           reply(429, `{}`, "Retry-After", "3600"),
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
			api := newFakeAPI(t, func(w http.ResponseWriter, r *http.Request) {
				time.AfterFunc(10*time.Millisecond, cancel)
				step(w, r)
			})
			_, err := api.client(t).Organization(ctx, "org")
			if !errors.Is(err, context.Canceled) || rotation.IsDefinite(err) {
				t.Errorf("error = %v, want the cancellation's", err)
			}
			if got := len(api.requests()); got != 1 {
				t.Errorf("sent %d requests, want 1", got)
			}
		})
	}
}

func TestAnswerIsLimited(t *testing.T) {
	for reading, start := range map[string]string{"organization": "{", "errors": `{"results":[{"type":"`} {
		tries := 0
		client := newTestClient(t, Config{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
			tries++
			return &http.Response{StatusCode: 200, Body: io.NopCloser(io.MultiReader(strings.NewReader(start), endless{}))}, nil
		})})
		_, err := readings[reading](t.Context(), client)
		if err == nil || !strings.Contains(err.Error(), "too large") || tries != 1 {
			t.Errorf("%s: error = %v after %d tries, want one", reading, err, tries)
		}
	}
}

type endless struct{}

var spaces = strings.Repeat(" ", 64<<10)

// Read implements [io.Reader].
func (endless) Read(p []byte) (int, error) { return copy(p, spaces), nil }

func TestErrorsKeepSecrets(t *testing.T) {
	for name, echo := range map[string]string{
		"in JSON":           `{"message":"bad ` + testSecret + ` for ` + testToken + `"}`,
		"escaped in JSON":   `{"message":"bad ` + strings.ReplaceAll(testSecret, "/", `\\/`) + `"}`,
		"in plain text":     "bad " + testSecret + "\n" + testToken,
		"in a form":         "secret_access_key=" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(testSecret),
		"at the very limit": `{"message":"` + strings.Repeat("é", maxMessageSize/2-5) + testSecret + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t,
				reply(200, `{"id":"creds","name":"production","object_type":"AWS","access_key_id":"AKIAOLD"}`),
				reply(400, echo, "X-Request-Id", testSecret))
			err := storeKey(t.Context(), api.client(t),
				rotation.Holder{Kind: rotation.HolderCredentials, ID: "creds", AccessKeyID: "AKIAOLD"})
			if !errors.Is(err, rotation.ErrRejected) {
				t.Fatalf("error = %v", err)
			}
			for _, part := range []string{"K7MDENG", testToken, "wJalr"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("error repeats a secret: %v", err)
				}
			}
			if strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > maxMessageSize+200 {
				t.Errorf("error is not brief: %q", err)
			}
		})
	}
}

func TestErrorsAreBrief(t *testing.T) {
	api := newFakeAPI(t, reply(400, `{"message":"`+strings.Repeat("é", maxMessageSize)+`"}`))
	_, err := api.client(t).Organization(t.Context(), "org")
	text := err.Error()
	if !strings.HasSuffix(text, "éé…") || !utf8.ValidString(text) || len(text) > maxMessageSize+100 {
		t.Errorf("error of %d bytes: %s", len(text), text)
	}
}
