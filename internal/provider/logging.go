package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	// logSubsystem is where the steps of rotations are reported.
	logSubsystem = "rotation"
	// reporterDepth is the number of calls between a step and the log, so that a line names the place of the step.
	reporterDepth = 3
)

// withLogging gives a request's context the subsystems of the provider's log, and lets rotations report to theirs. Those
// name their organization, credentials and IAM user; requests to the APIs are told apart by Terraform's own fields.
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
