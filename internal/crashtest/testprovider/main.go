// Command testprovider is the provider as it is released, but for its clock, which is that of a simulated world, and for
// its patience with a request that nobody answers.
package main

import (
	"cmp"
	"context"
	"log"
	"os"
	"time"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// wrongClock is the clock of a machine that is ahead of the world.
type wrongClock struct {
	rotation.Clock
	ahead time.Duration
}

// Now implements [rotation.Clock].
func (c wrongClock) Now() time.Time { return c.Clock.Now().Add(c.ahead) }

func main() {
	clock, err := simulator.Dial(os.Getenv("SIMULATOR_CONTROL_URL"))
	if err != nil {
		log.Fatal(err)
	}
	ahead, err := time.ParseDuration(os.Getenv("TESTPROVIDER_AHEAD"))
	if err != nil {
		log.Fatal(err)
	}
	// The time for a request that is never answered is real time.
	patience, err := time.ParseDuration(cmp.Or(os.Getenv("TESTPROVIDER_PATIENCE"), "2s"))
	if err != nil {
		log.Fatal(err)
	}
	p := provider.New("test", provider.WithClock(wrongClock{clock, ahead}), provider.WithRequestTimeout(patience))
	err = providerserver.Serve(context.Background(), func() frameworkprovider.Provider { return p }, providerserver.ServeOpts{
		Address: "registry.terraform.io/qovery/qoveryrotation",
	})
	if err != nil {
		log.Fatal(err)
	}
}
