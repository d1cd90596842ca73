// Command terraform-provider-qoveryrotation is the Terraform provider qovery/qoveryrotation.
package main

import (
	"flag"
	"log"
	"runtime"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
)

// version is set by the release build.
var version = "dev"

func main() {
	// The garbage collector begins when the heap has doubled. With a reserve, which is never touched, it does not look through the
	// little that a plan needs again and again. At most as much garbage stays in memory.
	reserve := make([]byte, 32<<20)
	defer runtime.KeepAlive(reserve)

	debug := flag.Bool("debug", false, "serve for a debugger and print how to attach Terraform to it")
	flag.Parse()
	if !*debug {
		if err := muteLog(); err != nil {
			log.Fatal(err)
		}
	}

	// providerserver.Serve also links protocol 5, half a megabyte that no supported Terraform uses.
	var options []tf6server.ServeOpt
	if *debug {
		options = append(options, tf6server.WithManagedDebug())
	}
	if err := tf6server.Serve("registry.terraform.io/qovery/qoveryrotation", provider.New(version).Server, options...); err != nil {
		log.Fatal(err)
	}
}
