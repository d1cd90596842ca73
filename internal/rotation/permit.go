package rotation

import (
	"context"
	"fmt"
)

// Permit allows to deactivate one key, and to delete it unless [MayStop] made the permit. Only [MayDelete] and MayStop make
// permits, and the port to IAM deactivates and deletes only with one.
type Permit struct {
	userName, accessKeyID string
	reason                Reason
	stopsOnly             bool
}

// UserName is the name of the IAM user that owns the key.
func (p Permit) UserName() string { return p.userName }

// AccessKeyID is the id of the key.
func (p Permit) AccessKeyID() string { return p.accessKeyID }

// delete deletes the key of a permit. A canceled apply does not interrupt it.
func (r *Rotator) delete(ctx context.Context, permit Permit) error {
	if permit.stopsOnly {
		return fmt.Errorf("access key %s may be deactivated, but not deleted", permit.accessKeyID)
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	step(ctx, "deleting an access key", "access_key_id", permit.accessKeyID, "reason", string(permit.reason))
	return r.iam.DeleteAccessKey(ctx, permit)
}

// deactivate makes the key of a permit Inactive, which can be undone. A canceled apply does not interrupt it once it has begun.
func (r *Rotator) deactivate(ctx context.Context, permit Permit) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := r.detach(ctx, finishLimit)
	defer cancel()
	step(ctx, "deactivating an access key", "access_key_id", permit.accessKeyID, "reason", string(permit.reason))
	return r.iam.DeactivateAccessKey(ctx, permit)
}
