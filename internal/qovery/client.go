// Package qovery is the port to Qovery's API.
//
// Qovery's own client, github.com/qovery/qovery-client-go, could replace the requests and the wire types of this package.
// Operations have the names of Qovery's published description. Other packages see only the types of package rotation, [Config],
// [Client], [ParseToken] and [Error].
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

// DefaultURL is the address of Qovery's API.
const DefaultURL = "https://api.qovery.com"

const (
	defaultRequestTimeout = 15 * time.Second
	defaultRetryWaitMin   = 500 * time.Millisecond
	defaultRetryWaitMax   = 8 * time.Second
	defaultMaxTries       = 4

	// maxAnswerSize is far above the size of an answer about an organization with hundreds of clusters.
	maxAnswerSize = 32 << 20
)

// Config is the configuration of a client. A zero value means the default.
type Config struct {
	// URL is the address of the API, as [rotation.ParseURL] accepts it.
	URL string
	// Token is an API token of the organization, as [ParseToken] accepts it.
	Token     string
	UserAgent string
	// RequestTimeout is the time limit of each try of a request.
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

// New returns a client. It sends no request.
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

// newHTTPClient returns the client that sends requests, reads and logs the answers, repeats requests if that is safe, and
// keeps the budget. The context of every request needs [tries].
func newHTTPClient(config Config, budget *budget) *retryablehttp.Client {
	if config.Transport == nil {
		pooled := http.DefaultTransport.(*http.Transport).Clone()
		// With Go's default of 2, most requests of parallel rotations would open a new connection.
		pooled.MaxIdleConnsPerHost = concurrentRequests
		config.Transport = pooled
	}
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: &transport{next: config.Transport, budget: budget},
			Timeout:   cmp.Or(config.RequestTimeout, defaultRequestTimeout),
			// Qovery's API does not redirect. A server that does is not the API, and the token must not be sent on.
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

// ParseToken removes surrounding whitespace, which files and secret stores may add to a token. Its errors are the rest of a
// sentence about the token, and do not contain the token.
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
	// secret is part of the body. It is removed from errors, even if Qovery's answer repeats it.
	secret rotation.Secret
	// stream reads the body of a success piece by piece, because it may be too large for memory. It is called for each try.
	stream func(io.Reader) error
	// date is set to the time of the answer by the server's clock, or to zero if the answer has none.
	date *time.Time
}

// secrets returns the parts of a request that must not be shown.
func (r request) secrets(token string) []string { return []string{token, r.secret.Reveal()} }

// answer is a decoded answer that can be checked.
type answer interface {
	// check returns an error if a field is missing that every such answer has.
	check() error
}

// get reads one object.
func (c *Client) get(ctx context.Context, operation, path string, out answer) error {
	return c.do(ctx, request{operation: operation, method: http.MethodGet, path: path}, out)
}

// do sends a request and decodes the answer into out, unless out is nil. Its errors are of type [*Error].
func (c *Client) do(ctx context.Context, r request, out answer) error {
	status, requestID, err := c.send(ctx, r, out)
	if err == nil {
		return nil
	}
	failure, ok := errors.AsType[*Error](err)
	switch {
	case ctx.Err() != nil:
		// net/http returns the cause of the cancellation, which may be the error of a parallel request.
		failure = &Error{StatusCode: status, RequestID: requestID, Message: ctx.Err().Error(), cause: ctx.Err()}
	case !ok:
		failure = &Error{StatusCode: status, RequestID: requestID, Message: reason(err)}
	}
	failure.Operation, failure.Method = r.operation, r.method
	failure.Path = brief(r.path, r.secrets(c.token)...) // The path may contain an id from an answer.
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

// reason returns the message of an error of net/http, without the address, which is already part of [Error].
func reason(err error) string {
	urlError, ok := errors.AsType[*url.Error](err)
	switch {
	case !ok:
		return err.Error()
	case urlError.Timeout():
		return "timed out: " + urlError.Err.Error()
	default:
		return urlError.Err.Error()
	}
}

// isPage reports whether a body is an HTML page, which a gateway sent and not the API.
func isPage(header http.Header, body []byte) bool {
	return strings.HasPrefix(header.Get("Content-Type"), "text/html") ||
		bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
}
