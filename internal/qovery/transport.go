package qovery

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
)

// errTooLarge means that an answer, or one piece of a streamed answer, is far larger than expected.
var errTooLarge = errors.New("response is too large")

// tries is a value of a request's context, and counts how often the request was sent.
type tries struct {
	request
	// secrets are removed from the log.
	secrets []string
	count   int
}

type triesKey struct{}

// transport sends one try of a request and reads the whole answer. So an answer that is incomplete or not the API's is an
// error that the retry policies see. It leaves the reading of a stream to the request's function.
type transport struct {
	next   http.RoundTripper
	budget *budget
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	start := time.Now()
	tries := req.Context().Value(triesKey{}).(*tries)
	tries.count++
	resp, err := t.roundTrip(req, tries)
	fields := map[string]any{
		"operation": tries.operation, "method": req.Method, "path": req.URL.Path, "attempt": tries.count, "elapsed": time.Since(start).String(),
	}
	failed := err != nil
	switch failure, ok := errors.AsType[*Error](err); {
	case ok:
		fields["status"], fields["request_id"] = failure.StatusCode, brief(failure.RequestID, tries.secrets...)
		fields["error"] = brief(failure.Message, tries.secrets...)
	case err != nil:
		fields["error"] = brief(err.Error(), tries.secrets...)
	default:
		fields["status"], fields["request_id"] = resp.StatusCode, brief(resp.Header.Get(requestIDHeader), tries.secrets...)
		failed = resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= http.StatusInternalServerError
	}
	log := tflog.SubsystemDebug
	if failed && req.Context().Err() == nil { // A canceled request did not fail itself. Perhaps another one did.
		log = tflog.SubsystemWarn
	}
	log(req.Context(), LogSubsystem, "Called the Qovery API", fields)
	return resp, err
}

func (t *transport) roundTrip(req *http.Request, tries *tries) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	t.budget.learn(resp.Header)
	if tries.stream != nil && resp.StatusCode < 300 {
		return readStream(resp, tries.stream)
	}
	body, err := io.ReadAll(&allowance{reader: resp.Body, left: maxAnswerSize + 1})
	if err != nil {
		return nil, err
	}
	if !isFromAPI(req.Method, resp, body) {
		return nil, newError(resp, body)
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	return resp, nil
}

// readStream passes the body of an answer to a function that reads it piece by piece.
func readStream(resp *http.Response, stream func(io.Reader) error) (*http.Response, error) {
	body := bufio.NewReader(resp.Body)
	start, _ := body.Peek(1)
	if err := stream(body); err != nil {
		failure := newError(resp, start)
		if !isPage(resp.Header, start) {
			failure.Message, failure.cause = err.Error(), err
		}
		return nil, failure
	}
	resp.Body = http.NoBody
	return resp, nil
}

// allowance is a reader with a limit.
type allowance struct {
	reader io.Reader
	left   int
}

// Read implements [io.Reader].
func (a *allowance) Read(p []byte) (int, error) {
	if a.left <= 0 {
		return 0, errTooLarge
	}
	n, err := a.reader.Read(p[:min(len(p), a.left)])
	a.left -= n
	return n, err
}

// isFromAPI reports whether an answer can be the API's. For some statuses the body does not matter.
func isFromAPI(method string, resp *http.Response, body []byte) bool {
	switch status := resp.StatusCode; {
	case status < 300:
		return json.Valid(body) || len(body) == 0 && method != http.MethodGet
	case status >= 500:
		return true
	default:
		switch status {
		case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
			return true
		}
		return !isPage(resp.Header, body)
	}
}
