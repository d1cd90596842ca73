package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// logSubsystem is where the steps of rotations are reported.
const logSubsystem = "rotation"

// withLogging gives a request's context the subsystems of the provider's log, and lets rotations report to theirs.
func withLogging(ctx context.Context) context.Context {
	ctx = tflog.NewSubsystem(ctx, logSubsystem)
	ctx = tflog.NewSubsystem(ctx, qovery.LogSubsystem)
	ctx = tflog.NewSubsystem(ctx, awsiam.LogSubsystem)
	return rotation.WithReporter(ctx, func(ctx context.Context, message string, fields map[string]any) {
		tflog.SubsystemInfo(ctx, logSubsystem, message, fields)
	})
}
