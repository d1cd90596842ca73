// Package awsiam is the port to AWS: access keys and tags of IAM users, and the requests to STS, IAM and EC2 that try a key.
package awsiam

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/diag"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// LogSubsystem is the tflog subsystem that requests are logged to.
const LogSubsystem = "aws"

const (
	// defaultRegion is the signing region of IAM in the partition "aws".
	defaultRegion         = "us-east-1"
	defaultRequestTimeout = 15 * time.Second
	// defaultMaxAttempts lets hundreds of rotations succeed despite IAM's throttling. The pauses add up to half a minute.
	defaultMaxAttempts = 6
	// configurationRequests is the time limit for getting the first credentials, in request timeouts.
	configurationRequests = 8

	documentationURL = "https://registry.terraform.io/providers/qovery/qoveryrotation/latest/docs"
)

// Config is the configuration of the client. Its names are those of the AWS provider. Values that are not set come from the
// usual sources: environment variables, shared files, the machine's role.
type Config struct {
	Region                    string
	Profile                   string
	AccessKey                 string
	SecretKey                 string
	Token                     string
	SharedConfigFiles         []string
	SharedCredentialsFiles    []string
	MaxRetries                int
	AssumeRole                *AssumeRole
	AssumeRoleWithWebIdentity *AssumeRoleWithWebIdentity
	Endpoints                 Endpoints
	// AllowedAccountIDs, if there are any, are the only accounts to work in. The client never works in ForbiddenAccountIDs.
	AllowedAccountIDs   []string
	ForbiddenAccountIDs []string

	// UserAgent lists the products in the User-Agent header besides the SDK.
	UserAgent []Product
	// RequestTimeout limits each attempt of a request.
	RequestTimeout time.Duration
	// MaxBackoff limits the pause between two attempts.
	MaxBackoff time.Duration
	// Now is the clock that AWS's clock is compared with; nil means the machine's.
	Now func() time.Time
}

// AssumeRole is a role to assume.
type AssumeRole struct {
	RoleARN     string
	SessionName string
	ExternalID  string
	Duration    time.Duration
	Policy      string
}

// AssumeRoleWithWebIdentity is a role to assume with the token of an identity provider.
type AssumeRoleWithWebIdentity struct {
	RoleARN              string
	SessionName          string
	WebIdentityToken     string
	WebIdentityTokenFile string
}

// Endpoints are custom endpoints. An empty one means AWS's own.
type Endpoints struct {
	IAM string
	STS string
	EC2 string
}

// Product is a part of the User-Agent header.
type Product struct {
	Name    string
	Version string
	Comment string
}

// Client implements [rotation.IAM].
type Client struct {
	config      aws.Config
	iam         operations
	credentials *credentials
	endpoints   Endpoints
	userAgent   string
	now         func() time.Time
	clockOffset atomic.Int64
	// caller is the identity that signs; nil until STS was asked for it.
	caller atomic.Pointer[sts.GetCallerIdentityOutput]
	// roles are the ARNs of the configured roles.
	roles []string
}

var _ rotation.IAM = (*Client)(nil)

// New resolves the configuration and gets the first credentials, which needs requests if there is a role to assume. Without
// usable credentials the error is [rotation.ErrUnauthenticated]. An account that is not allowed is an error, and so is an
// endpoint that [rotation.ParseURL] does not accept.
func New(ctx context.Context, config Config) (*Client, error) {
	timeout := cmp.Or(config.RequestTimeout, defaultRequestTimeout)
	ctx, cancel := context.WithTimeout(ctx, configurationRequests*timeout)
	defer cancel()

	c := &Client{credentials: &credentials{signers: map[string]bool{}}, userAgent: userAgent(config.UserAgent), now: config.Now}
	if c.now == nil {
		c.now = time.Now
	}
	base := baseConfig(config)
	resolved, err := setDefaults(ctx, base)
	if err != nil {
		return nil, configurationError(ctx, config, err.Error())
	}
	if c.endpoints, err = endpointsOf(ctx, resolved, config.Endpoints); err != nil {
		return nil, err
	}
	c.roles = rolesOf(config, resolved)
	var diags diag.Diagnostics
	_, c.config, diags = awsbase.GetAwsConfig(c.credentials.trace(ctx), base)
	if diags.HasError() {
		return nil, configurationError(ctx, config, text(diags.Errors()))
	}
	c.credentials.next = c.config.Credentials
	c.config.Credentials = c.credentials
	c.config.Logger = logging.Nop{}
	c.config.APIOptions = append(c.config.APIOptions, func(stack *middleware.Stack) error {
		observer := middleware.DeserializeMiddlewareFunc("ObserveAttempt", c.observeAttempt)
		return stack.Deserialize.Add(observer, middleware.After)
	})
	if client, ok := c.config.HTTPClient.(*awshttp.BuildableClient); ok {
		c.config.HTTPClient = client.WithTimeout(timeout)
	}
	c.iam = operationsOf(c.newIAM())
	signer, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return nil, configurationError(ctx, config, err.Error())
	}
	tflog.SubsystemDebug(ctx, LogSubsystem, "Resolved the AWS configuration", map[string]any{
		"region":             c.config.Region,
		"credentials_source": signer.Source,
		"access_key_id":      signer.AccessKeyID,
	})
	return c, c.checkAccount(ctx, base)
}

func (c *Client) newIAM() *iam.Client {
	return iam.NewFromConfig(c.config, func(o *iam.Options) {
		// Two rotations may tag the same user at the same time.
		o.Retryer = newPaced(retry.AddWithErrorCodes(o.Retryer, "ConcurrentModification"))
		if c.endpoints.IAM != "" {
			o.BaseEndpoint = &c.endpoints.IAM
		}
	})
}

// checkAccount asks for the account only if accounts are allowed or forbidden. aws-sdk-go-base would always ask, so
// SkipRequestingAccountId turns that off.
func (c *Client) checkAccount(ctx context.Context, base *awsbase.Config) error {
	if len(base.AllowedAccountIds)+len(base.ForbiddenAccountIds) == 0 {
		return nil
	}
	account, err := c.Account(ctx)
	if err != nil {
		return err
	}
	return base.VerifyAccountIDAllowed(account)
}

// baseConfig translates the configuration for aws-sdk-go-base, without its optional requests and without its log. It would log
// whole answers, and one of them contains the new secret.
func baseConfig(config Config) *awsbase.Config {
	base := &awsbase.Config{
		AccessKey:               config.AccessKey,
		AllowedAccountIds:       config.AllowedAccountIDs,
		CallerDocumentationURL:  documentationURL,
		CallerName:              "qoveryrotation",
		ForbiddenAccountIds:     config.ForbiddenAccountIDs,
		IamEndpoint:             config.Endpoints.IAM,
		MaxBackoff:              config.MaxBackoff,
		MaxRetries:              config.MaxRetries,
		Profile:                 config.Profile,
		Region:                  config.Region,
		SecretKey:               config.SecretKey,
		SharedConfigFiles:       config.SharedConfigFiles,
		SharedCredentialsFiles:  config.SharedCredentialsFiles,
		SkipCredsValidation:     true,
		SkipRequestingAccountId: true,
		StsEndpoint:             config.Endpoints.STS,
		SuppressDebugLog:        true,
		Token:                   config.Token,
	}
	for _, product := range config.UserAgent {
		base.UserAgent = append(base.UserAgent, awsbase.UserAgentProduct(product))
	}
	if role := config.AssumeRole; role != nil {
		base.AssumeRole = []awsbase.AssumeRole{{
			RoleARN:     role.RoleARN,
			SessionName: role.SessionName,
			ExternalID:  role.ExternalID,
			Duration:    role.Duration,
			Policy:      role.Policy,
		}}
	}
	if role := config.AssumeRoleWithWebIdentity; role != nil {
		base.AssumeRoleWithWebIdentity = &awsbase.AssumeRoleWithWebIdentity{
			RoleARN:              role.RoleARN,
			SessionName:          role.SessionName,
			WebIdentityToken:     role.WebIdentityToken,
			WebIdentityTokenFile: role.WebIdentityTokenFile,
		}
	}
	return base
}

// setDefaults sets defaults for values that are not configured anywhere, and returns the configuration from the environment and
// the shared files. aws-sdk-go-base has no default region, and cannot assume a role without a region.
func setDefaults(ctx context.Context, base *awsbase.Config) (aws.Config, error) {
	options := []func(*awsconfig.LoadOptions) error{
		awsconfig.WithRegion(base.Region),
		awsconfig.WithDefaultRegion(defaultRegion),
		awsconfig.WithSharedConfigProfile(base.Profile),
	}
	if len(base.SharedConfigFiles) > 0 {
		files, err := base.ResolveSharedConfigFiles()
		if err != nil {
			return aws.Config{}, err
		}
		options = append(options, awsconfig.WithSharedConfigFiles(files))
	}
	if len(base.SharedCredentialsFiles) > 0 {
		files, err := base.ResolveSharedCredentialsFiles()
		if err != nil {
			return aws.Config{}, err
		}
		options = append(options, awsconfig.WithSharedCredentialsFiles(files))
	}
	resolved, err := awsconfig.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, err
	}
	base.Region = resolved.Region
	base.MaxRetries = cmp.Or(base.MaxRetries, resolved.RetryMaxAttempts, defaultMaxAttempts)
	return resolved, nil
}

// text joins the texts of diagnostics.
func text(diags diag.Diagnostics) string {
	var texts []string
	for _, d := range diags {
		texts = append(texts, d.Summary())
		if d.Detail() != "" {
			texts = append(texts, d.Detail())
		}
	}
	return strings.Join(texts, ": ")
}

// configurationError describes why there are no credentials, without showing any part of them.
func configurationError(ctx context.Context, config Config, text string) error {
	secrets := []string{config.SecretKey, config.Token}
	if config.AssumeRoleWithWebIdentity != nil {
		secrets = append(secrets, config.AssumeRoleWithWebIdentity.WebIdentityToken)
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "(secret)")
		}
	}
	// AWS explains a refused signature with the text that should have been signed, which includes the session token.
	text, _, _ = strings.Cut(text, "The Canonical String")
	cause := rotation.ErrUnauthenticated
	if ctx.Err() != nil {
		cause = ctx.Err()
	}
	return fmt.Errorf("%w: configuring AWS: %s", cause, strings.TrimSpace(text))
}
