package provider_test

import (
	"fmt"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// triesKey reports whether a request only tries a new key with a service besides STS.
func triesKey(r simulator.Request) bool {
	return r.Operation == "ListAccountAliases" || r.Operation == "DescribeRegions"
}

// A rotation tries the new key once with IAM and once with EC2, unless verify_services is false.
func TestProviderVerifyServices(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]int{"": 2, "verify_services = true": 2, "verify_services = false": 0} {
		t.Run(settings, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.settings = settings
			s.run(resource.TestStep{
				Config: s.credentials(""),
				Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1), check(func() error {
					n := 0
					for _, r := range s.Requests() {
						if !triesKey(r) {
							continue
						}
						if n++; r.SignedBy != s.set.AccessKeyID() {
							return fmt.Errorf("%s was not signed with the new key", r)
						}
					}
					if n != want {
						return fmt.Errorf("%d requests to IAM and EC2 tried the key, want %d", n, want)
					}
					return nil
				})),
			})
		})
	}
}
