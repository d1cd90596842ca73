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
// thousand resources that was most of the provider's memory, and every garbage collection looked through it. Requests that come
// once are not worth a method here, and those that answer with a stream use their context after the method has returned.
type server struct{ frameworkServer }

// frameworkServer has the methods for what the provider has. It has no actions and no state stores.
type frameworkServer interface {
	tfprotov6.ProviderServer
	tfprotov6.ListResourceServer
}

// Server returns a server of the provider for Terraform's protocol 6.
func (p *Provider) Server() tfprotov6.ProviderServer {
	return server{providerserver.NewProtocol6(p)().(frameworkServer)}
}

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

// ImportResourceState implements [tfprotov6.ResourceServer].
func (s server) ImportResourceState(
	ctx context.Context, req *tfprotov6.ImportResourceStateRequest,
) (*tfprotov6.ImportResourceStateResponse, error) {
	return answer(ctx, req, s.frameworkServer.ImportResourceState)
}

// MoveResourceState implements [tfprotov6.ResourceServer].
func (s server) MoveResourceState(
	ctx context.Context, req *tfprotov6.MoveResourceStateRequest,
) (*tfprotov6.MoveResourceStateResponse, error) {
	return answer(ctx, req, s.frameworkServer.MoveResourceState)
}

// ValidateDataResourceConfig implements [tfprotov6.DataSourceServer].
func (s server) ValidateDataResourceConfig(
	ctx context.Context, req *tfprotov6.ValidateDataResourceConfigRequest,
) (*tfprotov6.ValidateDataResourceConfigResponse, error) {
	return answer(ctx, req, s.frameworkServer.ValidateDataResourceConfig)
}

// ReadDataSource implements [tfprotov6.DataSourceServer].
func (s server) ReadDataSource(
	ctx context.Context, req *tfprotov6.ReadDataSourceRequest,
) (*tfprotov6.ReadDataSourceResponse, error) {
	return answer(ctx, req, s.frameworkServer.ReadDataSource)
}

// CallFunction implements [tfprotov6.FunctionServer].
func (s server) CallFunction(ctx context.Context, req *tfprotov6.CallFunctionRequest) (*tfprotov6.CallFunctionResponse, error) {
	return answer(ctx, req, s.frameworkServer.CallFunction)
}

// answer answers a request with a context that lets go of the request's own one afterwards.
func answer[Request, Response any](
	ctx context.Context, req Request, method func(context.Context, Request) (Response, error),
) (Response, error) {
	lent := new(lent)
	lent.Store(&ctx)
	defer lent.Store(&answered)
	return method(lent, req)
}

// answered is the context of every request after its answer. Like the request's own one, it is canceled then.
var answered = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// lent is a context that is another one until it is answered.
type lent struct {
	atomic.Pointer[context.Context]
}

// Deadline implements [context.Context].
func (l *lent) Deadline() (time.Time, bool) { return (*l.Load()).Deadline() }

// Done implements [context.Context].
func (l *lent) Done() <-chan struct{} { return (*l.Load()).Done() }

// Err implements [context.Context].
func (l *lent) Err() error { return (*l.Load()).Err() }

// Value implements [context.Context].
func (l *lent) Value(key any) any { return (*l.Load()).Value(key) }
