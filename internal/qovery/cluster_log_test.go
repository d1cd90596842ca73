package qovery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

var logStart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

// logOf returns a log of n errors, one per second from logStart. It is written while it is read.
func logOf(n int, padding string) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		separator := `{"results":[`
		for i := range n {
			at := logStart.Add(time.Duration(i) * time.Second).Format(time.RFC3339)
			_, _ = fmt.Fprintf(w, `%s{"type":"error","timestamp":%q,"message":{"safe_message":"%d"},"padding":%q}`, separator, at, i, padding)
			separator = ","
		}
		_, _ = io.WriteString(w, "]}")
		_ = w.Close()
	}()
	return r
}

func TestHugeLog(t *testing.T) {
	const entries = 20_000
	padding := strings.Repeat("x", maxAnswerSize/entries)
	tries := 0
	client := newTestClient(t, Config{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		tries++
		return &http.Response{StatusCode: 200, Body: logOf(entries, padding)}, nil
	})})
	lines, err := client.ClusterErrors(t.Context(), "org", "cluster", logStart)
	if err != nil || len(lines) != maxErrorLines || tries != 1 {
		t.Fatalf("%d lines after %d tries, %v", len(lines), tries, err)
	}
	for i, line := range lines {
		if want := fmt.Sprint(" ", entries-maxErrorLines+i); !strings.HasSuffix(line, want) {
			t.Errorf("line %d is %q, want it to end with %q", i, line, want)
		}
	}
}

func TestLastErrorsKeepsNoMore(t *testing.T) {
	last, err := lastErrors(logOf(1000, ""), logStart)
	if err != nil || len(last) != maxErrorLines || cap(last) > 2*maxErrorLines {
		t.Errorf("%d entries of %d, %v", len(last), cap(last), err)
	}
}

// TestErrorsWithoutATime checks that errors without a time are shown only if there are no others.
func TestErrorsWithoutATime(t *testing.T) {
	const (
		undated = `{"type":"error","message":{"safe_message":"It failed once"}}`
		old     = `{"type":"error","timestamp":"2025-12-31T23:59:59Z","message":{"safe_message":"It failed before"}}`
		local   = `{"type":"error","timestamp":"2026-01-01T00:00:01.123","message":{"safe_message":"It failed"}}`
	)
	for name, test := range map[string]struct {
		entries []string
		want    []string
	}{
		"none with a time":       {[]string{undated, old}, []string{"(no time) It failed once"}},
		"one without a zone":     {[]string{undated, local}, []string{"2026-01-01T00:00:01Z It failed"}},
		"nothing but old errors": {[]string{old}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, reply(200, `{"results":[`+strings.Join(test.entries, ",")+`]}`))
			lines, err := api.client(t).ClusterErrors(t.Context(), "org", "cluster", logStart)
			if err != nil || !slices.Equal(lines, test.want) {
				t.Errorf("got %q, %v, want %q", lines, err, test.want)
			}
		})
	}
}

func TestLogThatCannotBeRead(t *testing.T) {
	const good = `{"results":[{"type":"error","timestamp":"2026-01-01T00:00:01Z","message":{"safe_message":"It failed"}}]}`
	for name, test := range map[string]struct {
		step      http.HandlerFunc
		wantTries int
		want      string
	}{
		"empty":                 {reply(200, ""), 4, "unexpected EOF"},
		"page":                  {page(200), 4, "HTTP 200: HTML page"},
		"page of a gateway":     {page(502), 4, "HTTP 502: HTML page"},
		"nonsense":              {reply(200, testSecret), 4, "invalid character"},
		"nonsense in the list":  {reply(200, `{"results":[`+testSecret), 4, "invalid character"},
		"cut off at the start":  {reply(200, `{`), 4, "unexpected EOF"},
		"cut off in a key":      {reply(200, `{"page":1,`), 4, "unexpected EOF"},
		"cut off at the list":   {reply(200, `{"results":`), 4, "unexpected EOF"},
		"cut off in the list":   {reply(200, good[:len(good)-2]), 4, "unexpected EOF"},
		"cut off in an entry":   {reply(200, good[:40]), 4, "unexpected EOF"},
		"without list":          {reply(200, `{}`), 1, "results are missing"},
		"not permitted":         {reply(403, `{"message":"no rights"}`), 1, "HTTP 403: no rights"},
		"reset":                 {reset, 4, "connection reset"},
		"shorter than promised": {cutOff, 4, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := newFakeAPI(t, test.step)
			_, err := api.client(t).ClusterErrors(t.Context(), "org", "cluster", logStart)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), testSecret) {
				t.Errorf("error = %v, want %q in it", err, test.want)
			}
			if got := len(api.requests()); got != test.wantTries {
				t.Errorf("sent %d requests, want %d", got, test.wantTries)
			}
			if test.wantTries == 1 {
				return
			}
			api = newFakeAPI(t, test.step, reply(200, good))
			if lines, err := api.client(t).ClusterErrors(t.Context(), "org", "cluster", logStart); err != nil || len(lines) != 1 {
				t.Errorf("then got %q, %v", lines, err)
			}
		})
	}
}

func TestLogLine(t *testing.T) {
	long := func(start, end string) string { return start + strings.Repeat(" é", maxMessageSize) + end }
	tests := map[string]struct {
		message, underlying, hint string
		want, not                 []string
	}{
		"each part has its own limit": {
			message: long("It failed", "."), underlying: long("helm said:", " no nodes left"), hint: long("Add nodes", "."),
			want: []string{"Z It failed é", "é no nodes left)", ") Add nodes é"},
			not:  []string{"helm said", "é."},
		},
		"only an underlying error": {underlying: "no nodes", want: []string{"Z (no nodes)"}},
		"colors": {
			message: "\x1b[1;31mError\x1b[0m:\x1b[K no\x1b[38:5:9m nodes\r\n", hint: "\x1b[0m",
			want: []string{"Z Error: no nodes"}, not: []string{"31m", "[0m", "[K"},
		},
		"a secret in every part": {
			message: "key=" + testSecret, underlying: "for '" + testSecret + "'", hint: testToken,
			want: []string{"key=(secret)", "for '(secret)'", ") (secret)"}, not: []string{testSecret, testToken},
		},
		"a colored secret": {
			message: "key \x1b[1m" + testSecret[:20] + "\x1b[2m" + testSecret[20:] + "\x1b[0m", want: []string{"key (secret)"},
		},
		"a secret where a part is cut": {
			message:    strings.Repeat("x", maxMessageSize-10) + " " + testSecret + " end",
			underlying: "start " + testSecret + " " + strings.Repeat("x", maxMessageSize-10),
			not:        []string{testSecret[:5], testSecret[35:]},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			entry := clusterLog{Timestamp: timestamp{logStart.In(time.FixedZone("", 3600))}}
			text, err := json.Marshal(map[string]any{"error": map[string]any{
				"user_log_message": test.message, "hint_message": test.hint, "underlying_error": map[string]any{"message": test.underlying},
			}})
			if err == nil {
				err = json.Unmarshal(text, &entry)
			}
			if err != nil {
				t.Fatal(err)
			}
			line := entry.line(testToken)
			if !strings.HasPrefix(line, "2026-01-01T00:00:00Z ") || !utf8.ValidString(line) || len(line) > 3*maxMessageSize+50 {
				t.Errorf("a line of %d bytes: %q", len(line), line)
			}
			for _, part := range test.want {
				if !strings.Contains(line, part) {
					t.Errorf("the line does not say %q: %s", part, line)
				}
			}
			for _, part := range test.not {
				if strings.Contains(line, part) {
					t.Errorf("the line says %q: %s", part, line)
				}
			}
		})
	}
}

func TestMaskKeys(t *testing.T) {
	token := "IQoJb3JpZ2luX2VjEJr//////////wEaCWV1LXdlc3QtMyJHMEUCIQD" + strings.Repeat("aB3/x+", 20) + "=="
	for _, hidden := range []string{
		testSecret,
		"secret_access_key=" + testSecret,
		`{"secret":"` + testSecret + `","region":"eu-west-3"}`,
		`{\"secret\":\"` + strings.ReplaceAll(testSecret, "/", `\/`) + `\"}`,
		"'" + testSecret + "'.",
		"AKIAIOSFODNN7EXAMPLE:" + testSecret,
		"SecretAccessKey%3D" + strings.NewReplacer("/", "%2F", "+", "%2B").Replace(testSecret) + "&Region",
		`AWS_SECRET_ACCESS_KEY\u003d` + testSecret,
		`first\n` + testSecret + `\nlast`,
		"s3://bucket/" + testSecret, "path/" + testSecret, testSecret + "/path", "+" + testSecret,
		strings.NewReplacer("/", `\u002f`, "+", `\u002B`).Replace(testSecret) + `\u003d`,
		"a-" + testSecret + "-b",
		strings.Repeat("aB3/", 9) + "aB==", strings.Repeat("aB3/", 10) + "==",
		"token " + token, "X-Amz-Security-Token=" + strings.NewReplacer("/", "%2F", "+", "%2B", "=", "%3D").Replace(token) + "&X",
		"Bearer eyJhbGciOiJSUzI1NiIsImtpZCI6Ik." + base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("{Jwt:?~1}", 20))),
	} {
		if got := maskKeys(hidden); !strings.Contains(got, redacted) ||
			strings.Contains(got, "K7MDENG") || strings.Contains(got, "aB3") || strings.Contains(got, "e0p3dDo") {
			t.Errorf("%s became %s", hidden, got)
		}
	}
	for _, kept := range []string{
		"",
		"commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
		"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
		"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		strings.Repeat("0123456789abcdef", 8),
		"f73e3833-922a-48a5-9dbd-6163f43f9143-1656410242",
		"AKIAIOSFODNN7EXAMPLE",
		"arn:aws:iam::123456789012:role/QoveryClusterRoleForProductionEuWest",
		"arn:aws:elasticloadbalancing:eu-west-3:123456789012:loadbalancer/net/aB3dE5gH7jK9mN1pQ3sT5vX7zA9cE1/50dc6c495c0c9188",
		"/home/runner/projects/qovery/engine/main",
		"/Users/ada/projects/qovery/engine/Charts",
		"ReconcileKubernetesClusterNodeGroupError",
		"failed to create fargate profile in NodeCreationFailure: Unhealthy nodes in the kubernetes cluster",
		"ip-10-0-1-23.eu-west-3.compute.internal https://docs.qovery.com/guides/Troubleshooting/",
		"ServiceAccountTokenController-" + strings.Repeat("VeryLongName", 8),
		testSecret + "0", testSecret[1:],
	} {
		if got := maskKeys(kept); got != kept {
			t.Errorf("%s became %s", kept, got)
		}
	}
}

// TestMaskKeysHidesEveryKey checks that no key is taken for a name or a digest.
func TestMaskKeysHidesEveryKey(t *testing.T) {
	for i := range 20_000 {
		digest := sha256.Sum256([]byte(strconv.Itoa(i)))
		secret := base64.StdEncoding.EncodeToString(digest[:30])
		if got := maskKeys("the key " + secret); got != "the key "+redacted {
			t.Fatalf("%s was shown: %s", secret, got)
		}
	}
	for size := range 150 {
		line := maskKeys(strings.Repeat("aB3x", 40)[:size])
		if hidden := line == redacted; hidden != (size == secretKeySize || size >= 100) {
			t.Errorf("a word of %d characters became %s", size, line)
		}
	}
}
