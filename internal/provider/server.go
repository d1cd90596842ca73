package provider

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// server is the framework's server. It does not keep what belongs to a request after the answer.
//
// The framework's own server keeps the context of every request until its end, and with it the request's loggers. With a
// thousand resources that was most of the provider's memory, and a third of its time went into looking through it for garbage.
type server struct{ frameworkServer }

// frameworkServer has every method of the framework's server that Terraform looks for.
type frameworkServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
	tfprotov6.ActionServer
}

// Server returns a server of the provider for Terraform's protocol 6.
func (p *Provider) Server() tfprotov6.ProviderServer {
	return server{providerserver.NewProtocol6(p)().(frameworkServer)}
}

// The methods that Terraform calls for every resource.

// ValidateResourceConfig implements [tfprotov6.ResourceServer].
func (s server) ValidateResourceConfig(
	ctx context.Context, req *tfprotov6.ValidateResourceConfigRequest,
) (*tfprotov6.ValidateResourceConfigResponse, error) {
	return answer(ctx, req, s.frameworkServer.ValidateResourceConfig)
}

// UpgradeResourceState implements [tfprotov6.ResourceServer].
func (s server) UpgradeResourceState(
	ctx context.Context, req *tfprotov6.UpgradeResourceStateRequest,
) (*tfprotov6.UpgradeResourceStateResponse, error) {
	return answer(ctx, req, s.frameworkServer.UpgradeResourceState)
}

// UpgradeResourceIdentity implements [tfprotov6.ResourceServer].
func (s server) UpgradeResourceIdentity(
	ctx context.Context, req *tfprotov6.UpgradeResourceIdentityRequest,
) (*tfprotov6.UpgradeResourceIdentityResponse, error) {
	return answer(ctx, req, s.frameworkServer.UpgradeResourceIdentity)
}

// ReadResource implements [tfprotov6.ResourceServer].
func (s server) ReadResource(ctx context.Context, req *tfprotov6.ReadResourceRequest) (*tfprotov6.ReadResourceResponse, error) {
	return answer(ctx, req, s.frameworkServer.ReadResource)
}

// PlanResourceChange implements [tfprotov6.ResourceServer].
func (s server) PlanResourceChange(
	ctx context.Context, req *tfprotov6.PlanResourceChangeRequest,
) (*tfprotov6.PlanResourceChangeResponse, error) {
	return answer(ctx, req, s.frameworkServer.PlanResourceChange)
}

// ApplyResourceChange implements [tfprotov6.ResourceServer].
func (s server) ApplyResourceChange(
	ctx context.Context, req *tfprotov6.ApplyResourceChangeRequest,
) (*tfprotov6.ApplyResourceChangeResponse, error) {
	return answer(ctx, req, s.frameworkServer.ApplyResourceChange)
}

// answer answers a request with a context that lets go of the request's own one afterwards.
func answer[Request, Response any](
	ctx context.Context, req *Request, method func(context.Context, *Request) (*Response, error),
) (*Response, error) {
	borrowed := new(borrowed)
	borrowed.Store(&ctx)
	nothing := context.Background()
	defer borrowed.Store(&nothing)
	return method(borrowed, req)
}

// borrowed is a context that is another one for a while.
type borrowed struct {
	atomic.Pointer[context.Context]
}

// Deadline implements [context.Context].
func (b *borrowed) Deadline() (time.Time, bool) { return (*b.Load()).Deadline() }

// Done implements [context.Context].
func (b *borrowed) Done() <-chan struct{} { return (*b.Load()).Done() }

// Err implements [context.Context].
func (b *borrowed) Err() error { return (*b.Load()).Err() }

// Value implements [context.Context].
func (b *borrowed) Value(key any) any { return (*b.Load()).Value(key) }
