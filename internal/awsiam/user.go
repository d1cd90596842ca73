package awsiam

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// User implements [rotation.IAM].
func (c *Client) User(ctx context.Context, userName string) (rotation.User, error) {
	out, err := do(ctx, "GetUser", func(ctx context.Context) (*iam.GetUserOutput, error) {
		return c.iam.GetUser(ctx, &iam.GetUserInput{UserName: &userName})
	})
	switch {
	case err != nil:
		return rotation.User{}, err
	case out.User == nil || out.User.UserName == nil || out.User.Arn == nil:
		return rotation.User{}, incomplete("iam:GetUser")
	}
	user := rotation.User{Name: *out.User.UserName, ARN: *out.User.Arn, Tags: map[string]string{}}
	for _, tag := range out.User.Tags {
		user.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return user, nil
}

// TagUser implements [rotation.IAM].
func (c *Client) TagUser(ctx context.Context, userName, key, value string) error {
	_, err := do(ctx, "TagUser", func(ctx context.Context) (*iam.TagUserOutput, error) {
		return c.iam.TagUser(ctx, &iam.TagUserInput{UserName: &userName, Tags: []types.Tag{{Key: &key, Value: &value}}})
	})
	return err
}

// UntagUser implements [rotation.IAM].
func (c *Client) UntagUser(ctx context.Context, userName, key string) error {
	_, err := do(ctx, "UntagUser", func(ctx context.Context) (*iam.UntagUserOutput, error) {
		return c.iam.UntagUser(ctx, &iam.UntagUserInput{UserName: &userName, TagKeys: []string{key}})
	})
	return err
}

// Account implements [rotation.IAM].
func (c *Client) Account(ctx context.Context) (string, error) {
	identity, err := c.identity(ctx, func(*sts.Options) {})
	return aws.ToString(identity.Account), err
}

// identity returns the identity that signs the client's requests. It does not change during the life of the client, so STS's
// answer is stored.
func (c *Client) identity(ctx context.Context, options func(*sts.Options)) (sts.GetCallerIdentityOutput, error) {
	if known := c.caller.Load(); known != nil {
		return *known, nil
	}
	identity, err := c.callerIdentity(ctx, options)
	switch {
	case err != nil:
		return sts.GetCallerIdentityOutput{}, err
	case identity.Account == nil:
		return sts.GetCallerIdentityOutput{}, incomplete(getCallerIdentity)
	}
	c.caller.Store(&identity)
	return identity, nil
}

const getCallerIdentity = "sts:GetCallerIdentity"

// callerIdentity asks STS for the identity that signs the request.
func (c *Client) callerIdentity(ctx context.Context, options func(*sts.Options)) (sts.GetCallerIdentityOutput, error) {
	client := sts.NewFromConfig(c.config, options, func(o *sts.Options) {
		if c.endpoints.STS != "" {
			o.BaseEndpoint = &c.endpoints.STS
		}
	})
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	switch {
	case err != nil:
		return sts.GetCallerIdentityOutput{}, newError(ctx, getCallerIdentity, err, false)
	case out.Arn == nil:
		return sts.GetCallerIdentityOutput{}, incomplete(getCallerIdentity)
	}
	return *out, nil
}
