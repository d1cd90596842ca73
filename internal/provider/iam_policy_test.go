package provider_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	iamPolicyGuide = "docs/guides/iam-policy.md"
	// documentedUser is the user in the policies of the documentation.
	documentedUser = "arn:aws:iam::123456789012:user/qovery"
)

// withFunctions runs steps that call a function of the provider.
func withFunctions(t *testing.T, s *stage, steps ...resource.TestStep) {
	t.Helper()
	resource.UnitTest(t, resource.TestCase{
		TerraformVersionChecks:   []tfversion.TerraformVersionCheck{tfversion.SkipBelow(tfversion.Version1_8_0)},
		ProtoV6ProviderFactories: s.factories(),
		Steps:                    steps,
	})
}

// policyOf returns a configuration whose output is the policy for a user. It needs no configured provider.
func policyOf(userARN string) string {
	return fmt.Sprintf("output \"policy\" { value = provider::qoveryrotation::iam_policy(%s) }", userARN)
}

func TestFunctionIAMPolicy(t *testing.T) {
	t.Parallel()
	server, err := newStage(t).serve()
	if err != nil {
		t.Fatal(err)
	}
	call := func(arn string) *tfprotov6.CallFunctionResponse {
		argument, err := tfprotov6.NewDynamicValue(tftypes.String, tftypes.NewValue(tftypes.String, arn))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.CallFunction(t.Context(), &tfprotov6.CallFunctionRequest{
			Name: "iam_policy", Arguments: []*tfprotov6.DynamicValue{&argument},
		})
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	for _, arn := range []string{
		documentedUser, "arn:aws-us-gov:iam::123456789012:user/system/qovery", "arn:aws-cn:iam::123456789012:user/qovery",
	} {
		policy, err := rotation.Policy(arn)
		if err != nil {
			t.Fatal(err)
		}
		resp, got := call(arn), ""
		if resp.Error != nil {
			t.Fatal(resp.Error)
		}
		if value, err := resp.Result.Unmarshal(tftypes.String); err != nil || value.As(&got) != nil || got != policy {
			t.Errorf("%v, %v\nis not\n%s", value, err, policy)
		}
	}
	for _, arn := range []string{"", "qovery", "arn:aws:iam::123456789012:role/qovery", "arn:aws:iam::123456789012:user/*"} {
		resp := call(arn)
		if resp.Error == nil || resp.Error.FunctionArgument == nil || *resp.Error.FunctionArgument != 0 ||
			!says(fmt.Sprintf("%q is not the ARN of an IAM user", arn), documentedUser).MatchString(resp.Error.Text) {
			t.Errorf("%q: %+v", arn, resp.Error)
		}
	}
}

// The policy for the user of a resource is unknown until the resource is created.
func TestFunctionIAMPolicyOfAResource(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	policy, err := rotation.Policy(s.user.ARN())
	if err != nil {
		t.Fatal(err)
	}
	withFunctions(t, s, resource.TestStep{
		Config:            s.credentials(adopt("")) + policyOf(credentialsAddress+".iam_user_arn"),
		ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownOutputValue("policy", knownvalue.StringExact(policy))},
	})
}

// The documentation shows the policy of the function. It allows exactly what a rotation and a retirement ask of IAM. In all
// other tests, the simulator reports requests that it does not allow.
func TestDocsIAMPolicy(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(
		resource.TestStep{Config: s.pair(trigger("1"), "")},
		resource.TestStep{PreConfig: func() { s.Clock().Advance(3 * time.Hour) }, Config: s.pair(trigger("1"), "")},
	)
	used := s.usedActions()
	policy, err := rotation.Policy(documentedUser)
	if err != nil {
		t.Fatal(err)
	}
	if allowed := allowedActions(t, policy); !slices.Equal(allowed, used) {
		t.Errorf("the policy allows %v, the provider used %v", allowed, used)
	}
	for _, page := range []string{"README.md", iamPolicyGuide} {
		blocks := docBlocks(readDoc(t, page), "json")
		if len(blocks) == 0 || strings.TrimSpace(blocks[0]) != policy {
			t.Errorf("%s does not begin with the policy\n%s", page, policy)
		}
		for _, code := range blocks {
			if allowed := allowedActions(t, code); !slices.Equal(allowed, used) && !slices.Equal(allowed, []string{rotation.ActionSimulate}) {
				t.Errorf("%s allows %v, the provider used %v", page, allowed, used)
			}
		}
	}
}

// usedActions returns the IAM actions that the provider used with its own identity, sorted, without the optional one. Requests
// that try a new key are signed with that key, and need no permission.
func (s *stage) usedActions() []string {
	used := map[string]bool{}
	for _, request := range s.Requests() {
		own := request.API == simulator.APIIAM && request.SignedBy == s.Operator().ID
		if action := "iam:" + request.Operation; own && action != rotation.ActionSimulate {
			used[action] = true
		}
	}
	return slices.Sorted(maps.Keys(used))
}

// allowedActions returns the actions that a policy allows, sorted.
func allowedActions(t *testing.T, policy string) []string {
	t.Helper()
	var decoded struct{ Statement []struct{ Action []string } }
	if err := json.Unmarshal([]byte(policy), &decoded); err != nil {
		t.Fatalf("%s\n%s", err, policy)
	}
	var actions []string
	for _, statement := range decoded.Statement {
		actions = append(actions, statement.Action...)
	}
	slices.Sort(actions)
	return actions
}
