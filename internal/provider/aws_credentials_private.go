package provider

import (
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The keys of the resource's private state.
const (
	// privateProgress is the [progress] of an unfinished rotation.
	privateProgress = "progress"
	// privateOwner is the [owner] of the access keys.
	privateOwner = "owner"
	// privateSchedule is the [schedule] that plans use.
	privateSchedule = "schedule"
)

// progress has the clusters that run with the key of an unfinished rotation. Without the key, it could be taken for that of a
// rotation that is found unfinished later.
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

// owner is the IAM user that a state recorded. A creation that replaces the resource has no state, and needs the owner to
// replace a key that does not work. While Terraform plans, the owner is in the private state. While it applies, the destruction
// that comes before leaves it in the process.
type owner struct {
	ID       string `json:"id"`
	UserName string `json:"user_name"`
	UserARN  string `json:"user_arn"`
}

func ownerOf(state *awsCredentialsModel) owner {
	return owner{ID: state.ID.ValueString(), UserName: state.IAMUserName.ValueString(), UserARN: state.IAMUserARN.ValueString()}
}

// hand sets the recorded owner in the target of a creation, if it belongs to the same credentials and no other user is
// configured.
func (o owner) hand(target *rotation.Target) {
	named := target.UserName == "" || target.UserName == o.UserName
	if named && o.ID == target.OrganizationID+"/"+target.CredentialsID {
		target.UserName, target.UserARN = o.UserName, o.UserARN
	}
}

// schedule is what the last refresh or update found out about the next rotation. Plans use it, because they do not look at the
// clock. rotation_due and rotation_due_at show it to users.
type schedule struct {
	// PendingSince is when a rotation was requested that waits for rotation_window, or zero.
	PendingSince time.Time `json:"pending_since,omitzero"`
	// Aged is whether the key had reached rotate_after_days, and Open whether rotation_window was open.
	Aged bool `json:"aged"`
	Open bool `json:"open"`
	// HeldKeyID is the key that a cleanup held when a rotation was asked for that needs its place, or empty.
	HeldKeyID string `json:"held_key_id,omitempty"`
}
