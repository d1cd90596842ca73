// Command terraform-provider-qoveryrotation is the Terraform provider qovery/qoveryrotation.
package main

import (
	"context"
	"flag"
	"log"
	"time"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
)

// version is stamped by the release build.
var version = "dev"

// closeLimit is within the two seconds that Terraform gives a provider to end by itself.
const closeLimit = 1500 * time.Millisecond

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger and print how to attach Terraform to it")
	flag.Parse()

	p := provider.New(version)
	err := providerserver.Serve(context.Background(), func() frameworkprovider.Provider { return p }, providerserver.ServeOpts{
		Address: "registry.terraform.io/qovery/qoveryrotation",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		log.Printf("[WARN] the journal of a finished rotation could not be removed; it is harmless: %s", err)
	}
}
