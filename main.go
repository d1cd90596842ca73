// Command terraform-provider-qoveryrotation is the Terraform provider qovery/qoveryrotation.
package main

import (
	"context"
	"flag"
	"log"

	frameworkprovider "github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
)

// version is stamped by the release build.
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger and print how to attach Terraform to it")
	flag.Parse()
	if !*debug {
		if err := muteLog(); err != nil {
			log.Fatal(err)
		}
	}

	p := provider.New(version)
	err := providerserver.Serve(context.Background(), func() frameworkprovider.Provider { return p }, providerserver.ServeOpts{
		Address: "registry.terraform.io/qovery/qoveryrotation",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
