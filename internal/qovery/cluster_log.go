package qovery

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	// maxErrorLines is the maximum number of lines of a cluster's log in an error message.
	maxErrorLines = 10

	// maxLogEntrySize is far above the size of one entry. The size of the log is not limited.
	maxLogEntrySize = 4 << 20
)

// clusterLog is an entry of a cluster's log. Qovery does not show which deployment it belongs to.
type clusterLog struct {
	Type      string    `json:"type"`
	Timestamp timestamp `json:"timestamp"`
	Message   struct {
		SafeMessage string `json:"safe_message"`
	} `json:"message"`
	Error *struct {
		UserLogMessage  string `json:"user_log_message"`
		HintMessage     string `json:"hint_message"`
		UnderlyingError struct {
			Message string `json:"message"`
		} `json:"underlying_error"`
	} `json:"error"`
}

// parts returns an error's message, its cause and a hint for the solution. All are empty for an entry that is not an error.
func (l *clusterLog) parts() (message, underlying, hint string) {
	switch {
	case l.Error != nil && l.Error.UserLogMessage != "":
		message = l.Error.UserLogMessage
	case l.Error != nil || strings.EqualFold(l.Type, "error"):
		message = l.Message.SafeMessage
	}
	if l.Error == nil {
		return message, "", ""
	}
	return message, l.Error.UnderlyingError.Message, l.Error.HintMessage
}

func (l *clusterLog) isError() bool {
	message, underlying, hint := l.parts()
	return message+underlying+hint != ""
}

// line returns the error as one line. The length of each part is limited, so that a long one does not displace the cause,
// which is at the end of an underlying error.
func (l *clusterLog) line(token string) string {
	fit := func(text string) string { return maskKeys(oneLine(text, token)) }
	message, underlying, hint := l.parts()
	at := "(no time)"
	if !l.Timestamp.at.IsZero() {
		at = l.Timestamp.at.UTC().Format(time.RFC3339)
	}
	words := []string{at, beginning(fit(message))}
	if cause := ending(fit(underlying)); cause != "" {
		words = append(words, "("+cause+")")
	}
	words = append(words, beginning(fit(hint)))
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// ClusterErrors implements [rotation.Qovery].
func (c *Client) ClusterErrors(ctx context.Context, organizationID, clusterID string, after time.Time) ([]string, error) {
	var last []clusterLog
	err := c.do(ctx, request{
		operation: "listClusterLogs",
		method:    http.MethodGet,
		path:      organizationPath(organizationID, "cluster", clusterID, "logs"),
		stream: func(log io.Reader) (err error) {
			last, err = lastErrors(log, after)
			return err
		},
	}, nil)
	if err != nil {
		return nil, err
	}
	lines := make([]string, 0, len(last))
	for _, entry := range last {
		lines = append(lines, entry.line(c.token))
	}
	return lines, nil
}

// lastErrors reads a log of any size entry by entry, and returns the last errors after a time, oldest first. Errors without a
// time could belong to any deployment. They are returned if there are no others: an unrelated error does less harm than a
// missing cause.
func lastErrors(log io.Reader, after time.Time) ([]clusterLog, error) {
	limit := &allowance{reader: log, left: maxLogEntrySize}
	in := json.NewDecoder(limit)
	if err := seekResults(in); err != nil {
		return nil, cutOffAtEnd(err)
	}
	var last, undated []clusterLog
	for in.More() {
		limit.left = maxLogEntrySize
		var entry clusterLog
		err := in.Decode(&entry)
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !ok {
			return nil, err
		}
		switch {
		case !entry.isError():
		case entry.Timestamp.at.IsZero():
			undated = append(undated, entry)
			undated = slices.Delete(undated, 0, max(0, len(undated)-maxErrorLines))
		case entry.Timestamp.at.After(after):
			last = append(last, entry)
			slices.SortStableFunc(last, func(a, b clusterLog) int { return a.Timestamp.at.Compare(b.Timestamp.at) })
			last = slices.Delete(last, 0, max(0, len(last)-maxErrorLines))
		}
	}
	if _, err := in.Token(); err != nil {
		return nil, cutOffAtEnd(err)
	}
	if len(last) == 0 {
		last = undated
	}
	return last, nil
}

// seekResults moves to the first entry of an answer's results.
func seekResults(in *json.Decoder) error {
	token, err := in.Token()
	if err == nil && token != json.Delim('{') {
		return errNoResults
	}
	for err == nil {
		if token, err = in.Token(); err != nil {
			break
		}
		switch token {
		case "results":
			if token, err = in.Token(); err == nil && token != json.Delim('[') {
				return errNoResults
			}
			return err
		case json.Delim('}'):
			return errNoResults
		}
		err = in.Decode(new(json.RawMessage))
	}
	return err
}

// cutOffAtEnd replaces io.EOF in the middle of an answer by io.ErrUnexpectedEOF.
func cutOffAtEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

var (
	// longWords match everything that can be a session token: base64, also in its variant for URLs and JSON Web Tokens.
	longWords = regexp.MustCompile(`(?:[\w/+-]|\\/|%2[BbFf]){100,}(?:=|%3[Dd]){0,2}`)

	// words match everything that can be a secret access key. Other escape sequences are separate matches, so that they do not
	// become part of the next word.
	words = regexp.MustCompile(`(?:[A-Za-z0-9/+]|\\/|%2[BbFf]|\\u002[BbFf])+(?:=|%3[Dd]|\\u003[Dd]){0,2}|%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\[a-z]`)

	// plainSpelling decodes escaped characters of base64.
	plainSpelling = strings.NewReplacer(`\/`, "/", "%2F", "/", "%2f", "/", "%2B", "+", "%2b", "+", "%3D", "=", "%3d", "=",
		`\u002F`, "/", `\u002f`, "/", `\u002B`, "+", `\u002b`, "+", `\u003D`, "=", `\u003d`, "=")

	// names match paths and names in camel case, with numbers only after a separator. Fewer than one in ten million secret access
	// keys match.
	names = regexp.MustCompile(`^(?:[A-Z]?[a-z]{2,}|[/_-][0-9]*)+$`)
)

// secretKeySize is the length of AWS's secret access keys.
const secretKeySize = 40

// maskKeys replaces everything that looks like a secret access key or a session token, because the run that reads a log often
// does not know the secret. Digests and identifiers are not mixed case, and are kept.
func maskKeys(line string) string {
	line = longWords.ReplaceAllStringFunc(line, maskUnlessName)
	return words.ReplaceAllStringFunc(line, func(word string) string {
		plain := plainSpelling.Replace(word)
		const size = secretKeySize
		switch {
		case len(plain) == size, len(strings.TrimRight(plain, "=")) == size:
			return maskUnlessName(word)
		case len(plain) > size && strings.ContainsRune("/+", rune(plain[len(plain)-size-1])):
			return plain[:len(plain)-size] + maskUnlessName(plain[len(plain)-size:])
		case len(plain) > size && strings.ContainsRune("/+", rune(plain[size])):
			return maskUnlessName(plain[:size]) + plain[size:]
		}
		return word
	})
}

func maskUnlessName(word string) string {
	if word == strings.ToLower(word) || word == strings.ToUpper(word) || names.MatchString(plainSpelling.Replace(word)) {
		return word
	}
	return redacted
}
