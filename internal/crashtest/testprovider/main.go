// Command testprovider is the released provider with the clock of a simulated world and another request timeout.
package main

import (
	"cmp"
	"log"
	"os"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// wrongClock is a clock that is ahead of the world's.
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
	// The request timeout is real time.
	patience, err := time.ParseDuration(cmp.Or(os.Getenv("TESTPROVIDER_PATIENCE"), "2s"))
	if err != nil {
		log.Fatal(err)
	}
	p := provider.New("test", provider.WithClock(wrongClock{clock, ahead}), provider.WithRequestTimeout(patience))
	if err := tf6server.Serve("registry.terraform.io/qovery/qoveryrotation", p.Server); err != nil {
		log.Fatal(err)
	}
}
