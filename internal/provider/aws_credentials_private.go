package provider

import (
	"context"
	"encoding/json"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The keys of the resource's private state.
const (
	// privateProgress is the [progress] of an unfinished rotation.
	privateProgress = "progress"
	// privateOwner is the [owner] of the access keys.
	privateOwner = "owner"
	// privateSchedule is the [schedule] that plans go by.
	privateSchedule = "schedule"
)

// progress tells which clusters run with the key of an unfinished rotation. It names the key, so that it says nothing about
// another rotation that is found unfinished later.
type progress struct {
	AccessKeyID string   `json:"access_key_id"`
	Clusters    []string `json:"clusters"`
}

// clustersOf returns the clusters that run with the given key.
func (p progress) clustersOf(accessKeyID string) []string {
	if p.AccessKeyID != accessKeyID {
		return nil
	}
	return p.Clusters
}

// owner is the IAM user that a state recorded. A creation that replaces the resource does not see the state, and needs it to replace
// a key that does not work. While Terraform plans, the private state hands it over; while it applies, the destruction that comes
// before does, in the same process.
type owner struct {
	ID       string `json:"id"`
	UserName string `json:"user_name"`
	UserARN  string `json:"user_arn"`
}

func ownerOf(state *awsCredentialsModel) owner {
	return owner{ID: state.ID.ValueString(), UserName: state.IAMUserName.ValueString(), UserARN: state.IAMUserARN.ValueString()}
}

// hand gives the target of a creation the recorded owner, if it is of the same credentials and no other user is asked for.
func (o owner) hand(target *rotation.Target) {
	named := target.UserName == "" || target.UserName == o.UserName
	if named && o.ID == target.OrganizationID+"/"+target.CredentialsID {
		target.UserName, target.UserARN = o.UserName, o.UserARN
	}
}

// schedule is what a refresh, or the last update that rotated or rescheduled, found out about the next rotation. Plans go by it,
// because they do not look at the clock. What people need of it is in rotation_due and rotation_due_at.
type schedule struct {
	// PendingSince is when a rotation was asked for that had to wait for rotation_window; zero when none was.
	PendingSince time.Time `json:"pending_since,omitzero"`
	// Aged tells whether the key had reached rotate_after_days, and Open whether rotation_window was open.
	Aged bool `json:"aged"`
	Open bool `json:"open"`
}

// getPrivate decodes a value of the private state, if it is there.
func getPrivate(ctx context.Context, private interface {
	GetKey(ctx context.Context, key string) ([]byte, diag.Diagnostics)
}, key string, target any, diags *diag.Diagnostics,
) {
	value, getDiags := private.GetKey(ctx, key)
	diags.Append(getDiags...)
	if len(value) == 0 {
		return
	}
	if err := json.Unmarshal(value, target); err != nil {
		addError(diags, stateUnreadable(key, err))
	}
}

// setPrivate encodes a value into the private state.
func setPrivate(ctx context.Context, private interface {
	SetKey(ctx context.Context, key string, value []byte) diag.Diagnostics
}, key string, value any, diags *diag.Diagnostics,
) {
	encoded, err := json.Marshal(value)
	if err != nil {
		addError(diags, err)
		return
	}
	diags.Append(private.SetKey(ctx, key, encoded)...)
}
