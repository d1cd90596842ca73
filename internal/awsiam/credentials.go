package awsiam

import (
	"context"
	"net/http/httptrace"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// credentials provide the credentials that requests are signed with, and remember the id of every access key that signed. These
// include the keys that sign the requests for the credentials of a role.
type credentials struct {
	next aws.CredentialsProvider

	mu      sync.Mutex
	signers map[string]bool
}

// Retrieve implements [aws.CredentialsProvider].
func (c *credentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	found, err := c.next.Retrieve(c.trace(ctx))
	if err != nil {
		return aws.Credentials{}, &credentialsError{err}
	}
	c.addSigner(found.AccessKeyID)
	return found, nil
}

// trace returns a context that records who signs the requests that are sent with it. The SDK and aws-sdk-go-base create their
// own clients to assume a role. A context reaches these clients, and they keep their HTTP client with its certificates and
// timeouts.
func (c *credentials) trace(ctx context.Context) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaderField: func(name string, values []string) {
			if !strings.EqualFold(name, "Authorization") {
				return
			}
			for _, value := range values {
				if _, scope, ok := strings.Cut(value, "Credential="); ok {
					accessKeyID, _, _ := strings.Cut(scope, "/")
					c.addSigner(accessKeyID)
				}
			}
		},
	})
}

func (c *credentials) addSigner(accessKeyID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.signers[accessKeyID] = true
}

func (c *credentials) signedWith(accessKeyID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.signers[accessKeyID]
}

// credentialsError means that a request was not sent because no credentials were available to sign it.
type credentialsError struct{ err error }

// Error implements error.
func (e *credentialsError) Error() string { return "no valid credentials: " + e.err.Error() }

// Unwrap returns the error of the credentials' source.
func (e *credentialsError) Unwrap() error { return e.err }

// SignsWith implements [rotation.IAM].
func (c *Client) SignsWith(ctx context.Context, accessKeyID string) (bool, error) {
	if _, err := c.credentials.Retrieve(ctx); err != nil {
		return false, newError(ctx, "", err, false)
	}
	return c.credentials.signedWith(accessKeyID), nil
}
