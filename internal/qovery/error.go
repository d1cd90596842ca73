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

	// maxMessageSize is enough for what the API says and too little for a page.
	maxMessageSize = 400

	// redacted is what is shown in place of a secret.
	redacted = "(secret)"
)

// Error is a request that failed. It wraps the error of package rotation that tells what Qovery definitely did not do;
// without one it is open whether the request took effect.
type Error struct {
	// Operation is the operationId of Qovery's published description.
	Operation string
	Method    string
	Path      string
	// StatusCode is 0 when there was no answer.
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

// API names the API that returned the error.
func (e *Error) API() string { return "Qovery" }

// Unwrap returns the error of package rotation, or that of a context that ended.
func (e *Error) Unwrap() error { return e.cause }

// definite is what a status says about a request that was certainly not carried out, or nil. Qovery is not strict: a policy token
// gets 401 for what it may not do, and 403 may stand for 404. Which it is depends on what was asked, so the caller has to judge.
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

// newError describes an answer that is not a success, or not the API's.
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

// message finds the sentence in an answer.
func message(resp *http.Response, body []byte) string {
	var known struct{ Message, Detail, Error, Title any }
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return "a redirect, which the API does not send; is the URL right?"
	case len(bytes.TrimSpace(body)) == 0:
		return "an empty answer"
	case isPage(resp.Header, body):
		return "an HTML page instead of the API's answer"
	case json.Unmarshal(body, &known) == nil:
		for _, field := range []any{known.Message, known.Detail, known.Error, known.Title} {
			if text, ok := field.(string); ok && strings.TrimSpace(text) != "" {
				return text
			}
		}
		return "an answer without a message"
	case json.Valid(body):
		return "an answer without a message"
	default:
		return "an answer that is not JSON: " + string(body)
	}
}

// terminalSequences are what colors a text in a terminal. Their end is printable, so it would stay if only they were not
// taken out as a whole.
var terminalSequences = regexp.MustCompile(`\x1b\[[0-?]*[ -/]*[@-~]`)

// brief shortens a foreign text for an error: one short line, without the given secrets.
func brief(text string, secrets ...string) string { return beginning(oneLine(text, secrets...)) }

// oneLine is a foreign text as one line, without the given secrets.
func oneLine(text string, secrets ...string) string {
	text = terminalSequences.ReplaceAllString(text, "")
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		// A secret key may contain slashes and plus signs, which some encoders escape.
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

// beginning cuts the end off a line that is too long.
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

// ending cuts the beginning off a line that is too long.
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
