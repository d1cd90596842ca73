package awsiam

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// AccessKeys implements [rotation.IAM].
func (c *Client) AccessKeys(ctx context.Context, userName string) ([]rotation.AccessKey, error) {
	const action = "ListAccessKeys"
	var keys []rotation.AccessKey
	for page := (&iam.ListAccessKeysInput{UserName: &userName}); ; {
		out, err := do(ctx, action, func(ctx context.Context) (*iam.ListAccessKeysOutput, error) {
			return c.iam.ListAccessKeys(ctx, page)
		})
		if err != nil {
			return nil, err
		}
		for _, key := range out.AccessKeyMetadata {
			if key.AccessKeyId == nil || key.CreateDate == nil {
				return nil, incomplete("iam:" + action)
			}
			keys = append(keys, rotation.AccessKey{
				ID:        *key.AccessKeyId,
				Active:    key.Status == types.StatusTypeActive,
				CreatedAt: *key.CreateDate,
			})
		}
		if aws.ToString(out.Marker) == "" {
			return keys, nil
		}
		page.Marker = out.Marker
	}
}

// AccessKeyLastUse implements [rotation.IAM].
func (c *Client) AccessKeyLastUse(ctx context.Context, accessKeyID string) (rotation.LastUse, error) {
	const action = "GetAccessKeyLastUsed"
	out, err := do(ctx, action, func(ctx context.Context) (*iam.GetAccessKeyLastUsedOutput, error) {
		return c.iam.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &accessKeyID})
	})
	switch {
	case err != nil:
		return rotation.LastUse{}, err
	case out.UserName == nil:
		return rotation.LastUse{}, incomplete("iam:" + action)
	}
	use := rotation.LastUse{UserName: *out.UserName}
	// For a key that was never used, IAM omits the date and returns "N/A" for the other fields.
	if last := out.AccessKeyLastUsed; last != nil && last.LastUsedDate != nil {
		use.At, use.Service, use.Region = *last.LastUsedDate, aws.ToString(last.ServiceName), aws.ToString(last.Region)
	}
	return use, nil
}

// CreateAccessKey implements [rotation.IAM].
func (c *Client) CreateAccessKey(ctx context.Context, userName string) (rotation.NewAccessKey, error) {
	out, err := do(ctx, createAccessKey, func(ctx context.Context) (*iam.CreateAccessKeyOutput, error) {
		return c.iam.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &userName}, func(o *iam.Options) {
			o.Retryer = aws.NopRetryer{}
		})
	})
	if err != nil {
		return rotation.NewAccessKey{}, err
	}
	key := out.AccessKey
	if key == nil || key.CreateDate == nil ||
		aws.ToString(key.AccessKeyId) == "" || aws.ToString(key.SecretAccessKey) == "" {
		return rotation.NewAccessKey{}, incomplete("iam:" + createAccessKey)
	}
	return rotation.NewAccessKey{
		ID:        *key.AccessKeyId,
		Secret:    rotation.NewSecret(*key.SecretAccessKey),
		CreatedAt: *key.CreateDate,
	}, nil
}

// DeactivateAccessKey implements [rotation.IAM].
func (c *Client) DeactivateAccessKey(ctx context.Context, permit rotation.Permit) error {
	return c.setStatus(ctx, permit.UserName(), permit.AccessKeyID(), types.StatusTypeInactive)
}

// ActivateAccessKey implements [rotation.IAM].
func (c *Client) ActivateAccessKey(ctx context.Context, userName, accessKeyID string) error {
	return c.setStatus(ctx, userName, accessKeyID, types.StatusTypeActive)
}

func (c *Client) setStatus(ctx context.Context, userName, accessKeyID string, status types.StatusType) error {
	_, err := do(ctx, "UpdateAccessKey", func(ctx context.Context) (*iam.UpdateAccessKeyOutput, error) {
		return c.iam.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
			UserName:    &userName,
			AccessKeyId: &accessKeyID,
			Status:      status,
		})
	})
	return err
}

// DeleteAccessKey implements [rotation.IAM].
func (c *Client) DeleteAccessKey(ctx context.Context, permit rotation.Permit) error {
	userName, accessKeyID := permit.UserName(), permit.AccessKeyID()
	_, err := do(ctx, "DeleteAccessKey", func(ctx context.Context) (*iam.DeleteAccessKeyOutput, error) {
		return c.iam.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: &userName, AccessKeyId: &accessKeyID})
	})
	if errors.Is(err, rotation.ErrNotFound) {
		return nil
	}
	return err
}
