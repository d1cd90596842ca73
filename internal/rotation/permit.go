package rotation

import (
	"context"
	"fmt"
)

// Permit allows one key to be deactivated, and to be deleted unless it is a permit of [MayStop]. [MayDelete] and MayStop are its
// only makers, and the ports accept nothing else.
type Permit struct {
	userName, accessKeyID string
	reason                Reason
	stopsOnly             bool
}

// UserName is the name of the IAM user that owns the key.
func (p Permit) UserName() string { return p.userName }

// AccessKeyID is the key that may be deactivated or deleted.
func (p Permit) AccessKeyID() string { return p.accessKeyID }

// delete carries out a permit. A canceled apply does not interrupt it.
func (r *Rotator) delete(ctx context.Context, permit Permit) error {
	if permit.stopsOnly {
		return fmt.Errorf("access key %s may be deactivated, but not deleted", permit.accessKeyID)
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	step(ctx, "deleting an access key", "access_key_id", permit.accessKeyID, "reason", string(permit.reason))
	return r.iam.DeleteAccessKey(ctx, permit)
}

// deactivate carries out the part of a permit that can be undone.
func (r *Rotator) deactivate(ctx context.Context, permit Permit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	step(ctx, "deactivating an access key", "access_key_id", permit.accessKeyID, "reason", string(permit.reason))
	return r.iam.DeactivateAccessKey(ctx, permit)
}
