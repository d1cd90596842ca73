package awsiam

import (
	"context"
	"net/http/httptrace"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// credentials are the credentials that requests are signed with. They remember by which access keys, those included
// that sign on the way to a role.
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

// trace notes the signatures of the requests that are sent with a context. The SDK and aws-sdk-go-base make clients of
// their own to assume a role; a context reaches them without taking the place of their HTTP client, which knows the
// certificates and the short time-outs that belong to them.
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

// credentialsError tells that there was nothing to sign a request with, so that it was not sent.
type credentialsError struct{ err error }

// Error implements error.
func (e *credentialsError) Error() string { return "no credentials to sign with: " + e.err.Error() }

// Unwrap returns the error of the source of the credentials.
func (e *credentialsError) Unwrap() error { return e.err }

// SignsWith implements [rotation.IAM].
func (c *Client) SignsWith(ctx context.Context, accessKeyID string) (bool, error) {
	if _, err := c.credentials.Retrieve(ctx); err != nil {
		return false, newError(ctx, "", err, false)
	}
	return c.credentials.signedWith(accessKeyID), nil
}
