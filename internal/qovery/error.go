package qovery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	requestIDHeader = "X-Request-Id"

	// maxMessageSize is enough for a message of the API and too small for a page.
	maxMessageSize = 400

	// redacted is shown instead of a secret.
	redacted = "(secret)"
)

// Error is a failed request. If Qovery definitely did not carry it out, Error wraps the error of package rotation for the
// reason. Otherwise the request may have taken effect.
type Error struct {
	// Operation is the operationId of Qovery's published description.
	Operation string
	Method    string
	Path      string
	// StatusCode is 0 if there was no answer.
	StatusCode int
	RequestID  string
	Message    string

	cause error
}

// Error implements error.
func (e *Error) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "Qovery API: %s (%s %s): ", e.Operation, e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&text, "HTTP %d: ", e.StatusCode)
	}
	text.WriteString(e.Message)
	if e.RequestID != "" {
		fmt.Fprintf(&text, " (request id %s)", e.RequestID)
	}
	return text.String()
}

// API returns the name of the API that failed.
func (e *Error) API() string { return "Qovery" }

// Unwrap returns the error of package rotation, or the error of a context that ended.
func (e *Error) Unwrap() error { return e.cause }

// definite returns the error of package rotation for a request that Qovery definitely did not carry out, or nil. Qovery's
// statuses are not strict: 401 can mean that a policy denies the request, and 403 that the object does not exist. The caller
// must decide.
func definite(status int) error {
	switch {
	case status == http.StatusUnauthorized:
		return rotation.ErrUnauthenticated
	case status == http.StatusForbidden:
		return rotation.ErrForbidden
	case status == http.StatusNotFound:
		return rotation.ErrNotFound
	case status == http.StatusRequestTimeout:
		return nil
	case status == http.StatusTooManyRequests:
		return rotation.ErrThrottled
	case status >= 400 && status < 500:
		return rotation.ErrRejected
	default:
		return nil
	}
}

// newError describes an answer that is not a success, or is not the API's.
func newError(resp *http.Response, body []byte) *Error {
	failure := &Error{
		StatusCode: resp.StatusCode,
		RequestID:  resp.Header.Get(requestIDHeader),
		Message:    message(resp, body),
	}
	if wait, _ := retryAfter(resp.Header); wait > 0 {
		failure.Message = fmt.Sprintf("retry after %s: %s", wait, failure.Message)
	}
	return failure
}

// message returns the message in an answer, or describes an answer without one.
func message(resp *http.Response, body []byte) string {
	var known struct{ Message, Detail, Error, Title any }
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return "unexpected redirect; check the URL of the API"
	case len(bytes.TrimSpace(body)) == 0:
		return "empty response"
	case isPage(resp.Header, body):
		return "HTML page instead of a response from the API"
	case json.Unmarshal(body, &known) == nil:
		for _, field := range []any{known.Message, known.Detail, known.Error, known.Title} {
			if text, ok := field.(string); ok && strings.TrimSpace(text) != "" {
				return text
			}
		}
		return "response without a message"
	case json.Valid(body):
		return "response without a message"
	default:
		return "response is not JSON: " + string(body)
	}
}

// terminalSequences are the escape sequences that color a text in a terminal. They are removed as a whole, because removing
// only what is not printable would leave their ends.
var terminalSequences = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`)

// brief returns the text of an API as one short line without the given secrets.
func brief(text string, secrets ...string) string { return beginning(oneLine(text, secrets...)) }

// oneLine returns the text of an API as one line without the given secrets.
func oneLine(text string, secrets ...string) string {
	text = terminalSequences.ReplaceAllString(text, "")
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		// Some encoders escape the slashes and plus signs of a secret key.
		for _, spelling := range []string{secret, strings.ReplaceAll(secret, "/", `\/`), url.QueryEscape(secret)} {
			text = strings.ReplaceAll(text, spelling, redacted)
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(text, " "))
	return strings.Join(strings.Fields(text), " ")
}

// beginning returns the first part of a line that is too long.
func beginning(text string) string {
	if len(text) <= maxMessageSize {
		return text
	}
	end := maxMessageSize
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// ending returns the last part of a line that is too long.
func ending(text string) string {
	if len(text) <= maxMessageSize {
		return text
	}
	start := len(text) - maxMessageSize
	for !utf8.RuneStart(text[start]) {
		start++
	}
	return "…" + text[start:]
}
