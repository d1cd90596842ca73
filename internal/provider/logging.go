package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	// logSubsystem is the subsystem of the log that has the steps of rotations.
	logSubsystem = "rotation"
	// reporterDepth is the number of calls between a step and the log. Without it, a line would not have the location of the
	// step.
	reporterDepth = 3
)

// withLogging adds the subsystems of the provider's log to a request's context, and sends the events of rotations to theirs.
// Events have fields for the organization, the credentials and the IAM user. Requests to the APIs have Terraform's own fields
// instead.
func withLogging(ctx context.Context) context.Context {
	ctx = tflog.NewSubsystem(ctx, logSubsystem, tflog.WithAdditionalLocationOffset(reporterDepth))
	ctx = tflog.NewSubsystem(ctx, qovery.LogSubsystem, tflog.WithRootFields())
	ctx = tflog.NewSubsystem(ctx, awsiam.LogSubsystem, tflog.WithRootFields())
	return rotation.WithReporter(ctx, func(ctx context.Context, event rotation.Event) {
		if event.Setback {
			tflog.SubsystemWarn(ctx, logSubsystem, event.Message, event.Fields)
		} else {
			tflog.SubsystemInfo(ctx, logSubsystem, event.Message, event.Fields)
		}
	})
}
