package provider

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/clock"
)

// asks returns a call of a server's method with an empty request.
func asks[Request, Response any](method func(context.Context, *Request) (*Response, error)) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := method(ctx, new(Request))
		return err
	}
}

type belongings struct{}

// What belongs to a request can be collected as garbage after the answer.
func TestServerForgetsRequests(t *testing.T) {
	t.Parallel()
	s := New("test").Server()
	for name, ask := range map[string]func(context.Context) error{
		"ValidateResourceConfig":     asks(s.ValidateResourceConfig),
		"UpgradeResourceState":       asks(s.UpgradeResourceState),
		"UpgradeResourceIdentity":    asks(s.UpgradeResourceIdentity),
		"ReadResource":               asks(s.ReadResource),
		"PlanResourceChange":         asks(s.PlanResourceChange),
		"ApplyResourceChange":        asks(s.ApplyResourceChange),
		"ImportResourceState":        asks(s.ImportResourceState),
		"MoveResourceState":          asks(s.MoveResourceState),
		"ValidateDataResourceConfig": asks(s.ValidateDataResourceConfig),
		"ReadDataSource":             asks(s.ReadDataSource),
		"CallFunction":               asks(s.CallFunction),
	} {
		belongs := new([64]byte)
		left := weak.Make(belongs)
		if err := ask(context.WithValue(t.Context(), belongings{}, belongs)); err != nil {
			t.Errorf("%s: %s", name, err)
		}
		runtime.GC()
		if left.Value() != nil {
			t.Errorf("%s: the server keeps what belongs to the request", name)
		}
	}
	runtime.KeepAlive(s)
}

// Until the answer, a request has its own context. Afterwards it has one that is canceled and has nothing.
func TestServerLendsTheContext(t *testing.T) {
	t.Parallel()
	own, cancel := clock.System{}.WithTimeout(context.WithValue(t.Context(), belongings{}, "own"), time.Hour)
	cancel()
	end, _ := own.Deadline()
	method := func(ctx context.Context, _ *int) (*context.Context, error) {
		deadline, _ := ctx.Deadline()
		if !deadline.Equal(end) || ctx.Done() != own.Done() || !errors.Is(ctx.Err(), context.Canceled) || ctx.Value(belongings{}) != "own" {
			t.Errorf("the request has the context %v, want its own", ctx)
		}
		return &ctx, nil
	}
	kept, err := answer(own, new(int), method)
	if err != nil {
		t.Fatal(err)
	}
	_, limited := (*kept).Deadline()
	if !errors.Is((*kept).Err(), context.Canceled) || limited || (*kept).Value(belongings{}) != nil {
		t.Errorf("after the answer the request has the context %v", *kept)
	}
	<-(*kept).Done()
}
