// Package qovery is the port to Qovery's API.
//
// It is shaped so that Qovery's own client, github.com/qovery/qovery-client-go, can take the place of the requests and
// the wire types in here: operations carry the names of Qovery's published description, and nothing outside of this
// package sees anything but the types of package rotation, [Config], [ParseToken] and [Error].
package qovery

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// LogSubsystem is the tflog subsystem that requests are logged to.
const LogSubsystem = "qovery"

// DefaultURL is where Qovery's API is.
const DefaultURL = "https://api.qovery.com"

const (
	defaultRequestTimeout = 15 * time.Second
	defaultRetryWaitMin   = 500 * time.Millisecond
	defaultRetryWaitMax   = 8 * time.Second
	defaultMaxTries       = 4

	// maxAnswerSize is far above what an organization with hundreds of clusters needs.
	maxAnswerSize = 32 << 20
)

// Config says how to reach Qovery's API. Zero values stand for the defaults.
type Config struct {
	// URL is the address of the API, as [rotation.ParseURL] accepts it.
	URL string
	// Token is an API token of the organization, as [ParseToken] accepts it.
	Token     string
	UserAgent string
	// RequestTimeout limits each try of a request.
	RequestTimeout time.Duration
	// RetryWaitMin and RetryWaitMax bound the pause between two tries of a request.
	RetryWaitMin time.Duration
	RetryWaitMax time.Duration
	MaxTries     int
	Transport    http.RoundTripper
}

// Client implements [rotation.Qovery].
type Client struct {
	baseURL   *url.URL
	token     string
	userAgent string
	http      *retryablehttp.Client
	budget    *budget
}

var _ rotation.Qovery = (*Client)(nil)

// New returns a client. It sends nothing yet.
func New(config Config) (*Client, error) {
	baseURL, err := rotation.ParseURL(cmp.Or(config.URL, DefaultURL))
	if err != nil {
		return nil, fmt.Errorf("the URL %w", err)
	}
	token, err := ParseToken(config.Token)
	if err != nil {
		return nil, fmt.Errorf("the API token %w", err)
	}
	budget := &budget{}
	return &Client{
		baseURL:   baseURL,
		token:     token,
		userAgent: config.UserAgent,
		http:      newHTTPClient(config, budget),
		budget:    budget,
	}, nil
}

// newHTTPClient is what lies below the operations: it sends a request, reads the answer, repeats what may be repeated, counts
// what the API allows, and logs. Every request needs a context with [tries].
func newHTTPClient(config Config, budget *budget) *retryablehttp.Client {
	if config.Transport == nil {
		pooled := http.DefaultTransport.(*http.Transport).Clone()
		// Go's default of two would have most requests of rotations that run side by side open a connection.
		pooled.MaxIdleConnsPerHost = concurrentRequests
		config.Transport = pooled
	}
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: &transport{next: config.Transport, budget: budget},
			Timeout:   cmp.Or(config.RequestTimeout, defaultRequestTimeout),
			// Qovery's API does not redirect. A server that does is not the API and must not get the token.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryWaitMin: cmp.Or(config.RetryWaitMin, defaultRetryWaitMin),
		RetryWaitMax: cmp.Or(config.RetryWaitMax, defaultRetryWaitMax),
		RetryMax:     cmp.Or(config.MaxTries, defaultMaxTries) - 1,
		CheckRetry:   retry,
		Backoff:      backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
	}
}

// ParseToken returns a token without the white space around it, which files and secret stores leave there. Its errors complete
// a sentence about the token, and do not repeat it.
func ParseToken(raw string) (string, error) {
	token := strings.TrimSpace(raw)
	switch {
	case token == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(token, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }):
		return "", errors.New("contains whitespace or a character that cannot be printed, such as a line break")
	}
	return token, nil
}

// request is one call of Qovery's API.
type request struct {
	// operation is the operationId of Qovery's published description.
	operation string
	method    string
	path      string
	body      any
	// secret is part of the body, and is kept out of the error even if Qovery should repeat it.
	secret rotation.Secret
	// stream reads a success as it comes, for an answer that may be too large to be held. Each try begins it anew.
	stream func(io.Reader) error
	// date receives the time of the answer, by the clock of the server; zero if the answer has none.
	date *time.Time
}

// secrets are the parts of a request that must not be shown.
func (r request) secrets(token string) []string { return []string{token, r.secret.Reveal()} }

// answer is a decoded answer that knows whether it makes sense.
type answer interface {
	// check returns an error when something is missing that every such answer has.
	check() error
}

// get reads one object.
func (c *Client) get(ctx context.Context, operation, path string, out answer) error {
	return c.do(ctx, request{operation: operation, method: http.MethodGet, path: path}, out)
}

// do sends a request and decodes the answer into out, if anybody wants it. Its errors are of type [*Error].
func (c *Client) do(ctx context.Context, r request, out answer) error {
	status, requestID, err := c.send(ctx, r, out)
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*Error](err)
	switch {
	case ctx.Err() != nil:
		// net/http answers with the cause of the cancellation, which may be the error of a request beside this one.
		failure = &Error{StatusCode: status, RequestID: requestID, Message: ctx.Err().Error(), cause: ctx.Err()}
	case !ok:
		failure = &Error{StatusCode: status, RequestID: requestID, Message: reason(err)}
	}
	failure.Operation, failure.Method = r.operation, r.method
	failure.Path = brief(r.path, r.secrets(c.token)...) // It may contain an id from an answer.
	failure.Message = brief(failure.Message, r.secrets(c.token)...)
	failure.RequestID = brief(failure.RequestID, r.secrets(c.token)...)
	return failure
}

func (c *Client) send(ctx context.Context, r request, out answer) (status int, requestID string, err error) {
	var body any
	if r.body != nil {
		if body, err = json.Marshal(r.body); err != nil {
			return 0, "", fmt.Errorf("encoding the request: %w", err)
		}
	}
	ctx = context.WithValue(ctx, triesKey{}, &tries{request: r, secrets: r.secrets(c.token)})
	req, err := retryablehttp.NewRequestWithContext(ctx, r.method, c.baseURL.String()+r.path, body)
	if err != nil {
		return 0, "", fmt.Errorf("preparing the request: %w", err)
	}
	req.Header.Set("Authorization", "Token "+c.token)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.userAgent)
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	if r.date != nil {
		*r.date, _ = http.ParseTime(resp.Header.Get("Date"))
	}
	content, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
	case resp.StatusCode >= 300:
		failure := newError(resp, content)
		failure.cause = definite(resp.StatusCode)
		err = failure
	case out != nil && len(content) > 0:
		if err = json.Unmarshal(content, out); err == nil {
			err = out.check()
		}
	}
	return resp.StatusCode, resp.Header.Get(requestIDHeader), err
}

// reason is what an error of net/http says beside the address, which [Error] tells already.
func reason(err error) string {
	urlError, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return err.Error()
	case urlError.Timeout():
		return "no answer in time: " + urlError.Err.Error()
	default:
		return urlError.Err.Error()
	}
}

// isPage reports whether a body is a page for people, which comes from a gateway and not from the API.
func isPage(header http.Header, body []byte) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}
