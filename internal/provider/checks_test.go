package provider_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// says matches a message that contains some facts in this order. A space stands for any white space, because Terraform wraps
// lines.
func says(facts ...string) *regexp.Regexp {
	patterns := make([]string, len(facts))
	for i, fact := range facts {
		words := strings.Fields(fact)
		for j, word := range words {
			words[j] = regexp.QuoteMeta(word)
		}
		patterns[i] = strings.Join(words, `\s+`)
	}
	return regexp.MustCompile(`(?s)` + strings.Join(patterns, `.*`))
}

// check adapts a function about the world to a check of a test step.
func check(f func() error) resource.TestCheckFunc {
	return func(*terraform.State) error { return f() }
}

// planCheck adapts a function to a check of a plan.
type planCheck func(plancheck.CheckPlanRequest) error

// CheckPlan implements [plancheck.PlanCheck].
func (c planCheck) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	resp.Error = c(req)
}

// checkedOnPlan moves the checks after an apply to the plan that follows, which contains the state. Without the move, each kind
// of check starts Terraform to show the state.
func checkedOnPlan(step resource.TestStep) resource.TestStep {
	if step.Config == "" || step.PlanOnly || step.Destroy || step.ImportState || step.RefreshState {
		return step
	}
	check, states := step.Check, step.ConfigStateChecks
	step.Check, step.ConfigStateChecks = nil, nil
	checks := planCheck(func(req plancheck.CheckPlanRequest) error {
		if check != nil {
			if err := check(nil); err != nil {
				return err
			}
		}
		return checkState(req.Plan, states)
	})
	plans := &step.ConfigPlanChecks
	plans.PostApplyPreRefresh = slices.Concat([]plancheck.PlanCheck{checks}, plans.PostApplyPreRefresh)
	return step
}

// checkState checks the state that a plan starts from.
func checkState(plan *tfjson.Plan, checks []statecheck.StateCheck) error {
	if len(checks) == 0 {
		return nil
	}
	content, err := json.Marshal(plan.PriorState)
	if err != nil {
		return err
	}
	// A plan is decoded with other types for numbers than a state.
	var state tfjson.State
	state.UseJSONNumber(true)
	errs := []error{json.Unmarshal(content, &state)}
	for _, check := range checks {
		var resp statecheck.CheckStateResponse
		check.CheckState(context.Background(), statecheck.CheckStateRequest{State: &state}, &resp)
		errs = append(errs, resp.Error)
	}
	return errors.Join(errs...)
}

// meanwhile does something between a plan and its apply.
func meanwhile(f func()) plancheck.PlanCheck {
	return planCheck(func(plancheck.CheckPlanRequest) error {
		f()
		return nil
	})
}

// plans are checks of a plan before it is applied.
func plans(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{PreApply: checks}
}

// open checks that exactly these attributes of a resource are unknown in a plan.
type open struct {
	address    string
	attributes []string
}

// CheckPlan implements [plancheck.PlanCheck].
func (o open) CheckPlan(_ context.Context, req plancheck.CheckPlanRequest, resp *plancheck.CheckPlanResponse) {
	for _, change := range req.Plan.ResourceChanges {
		if change.Address != o.address {
			continue
		}
		var got []string
		unknown, _ := change.Change.AfterUnknown.(map[string]any)
		for attribute, is := range unknown {
			if is == true {
				got = append(got, attribute)
			}
		}
		slices.Sort(got)
		want := slices.Sorted(slices.Values(o.attributes))
		if !slices.Equal(got, want) {
			resp.Error = fmt.Errorf("the plan of %s leaves open %v, want %v", o.address, got, want)
		}
		return
	}
	resp.Error = fmt.Errorf("the plan does not have %s", o.address)
}

// keys checks how many keys the user has.
func (s *stage) keys(want int) resource.TestCheckFunc {
	return check(func() error {
		if got := s.user.Keys(); len(got) != want {
			return fmt.Errorf("the user has %d access keys, want %d", len(got), want)
		}
		return nil
	})
}

// deployments checks how often the cluster was deployed.
func (s *stage) deployments(want int) resource.TestCheckFunc {
	return check(func() error {
		if got := s.cluster.Deployments(); len(got) != want {
			return fmt.Errorf("the cluster was deployed %d times, want %d", len(got), want)
		}
		return nil
	})
}

// warned checks that a warning contained some facts in this order.
func (s *stage) warned(facts ...string) resource.TestCheckFunc {
	return check(func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, warning := range s.warnings {
			if says(facts...).MatchString(warning) {
				return nil
			}
		}
		return fmt.Errorf("no warning says %q: %q", facts, s.warnings)
	})
}

// holds checks a fact about the world at the end of a test.
func (s *stage) holds(fact resource.TestCheckFunc) {
	s.t.Helper()
	if err := fact(nil); err != nil {
		s.t.Error(err)
	}
}

// untouched checks that the first key is still in Qovery and the only one of its user, and that a rollback left nothing behind.
func (s *stage) untouched() error {
	switch keys, held, tags := s.user.Keys(), s.set.AccessKeyID(), s.user.Tags(); {
	case len(keys) != 1 || keys[0] != s.key || !s.key.Active():
		return fmt.Errorf("the user has other keys than before: %v", keys)
	case held != s.key.ID:
		return fmt.Errorf("Qovery holds %s, want %s", held, s.key.ID)
	case len(tags) > 0:
		return fmt.Errorf("the user has tags: %v", tags)
	}
	return nil
}

// unchanged checks that no request changed anything.
func (s *stage) unchanged() {
	s.t.Helper()
	if mutations := s.Mutations(); len(mutations) > 0 {
		s.t.Errorf("something was changed: %v", mutations)
	}
}

// noSecrets checks that a text contains none of the world's secrets, neither plain nor URL-encoded.
func (s *stage) noSecrets(where, text string) {
	s.t.Helper()
	for _, secret := range s.Secrets() {
		if strings.Contains(text, secret) || strings.Contains(text, url.QueryEscape(secret)) {
			s.t.Errorf("%s contains a secret", where)
		}
	}
}

// refusal is a configuration that fails without changing anything.
type refusal struct {
	name    string
	prepare func(s *stage)
	// config returns the configuration. The default is a resource without optional arguments.
	config func(s *stage) string
	// facts are what the message contains.
	facts func(s *stage) []string
	// terraform also runs the row in Terraform, as an example of all rows.
	terraform bool
}

func (r refusal) run(t *testing.T) {
	t.Helper()
	s := newStage(t)
	if r.prepare != nil {
		r.prepare(s)
	}
	config := s.credentials("")
	if r.config != nil {
		config = r.config(s)
	}
	s.fails(s.refuse(config), r.facts(s)...)
	if r.terraform {
		s.runTerraform(resource.TestStep{
			Config:      config,
			ExpectError: says(append([]string{"Error running pre-apply plan"}, r.facts(s)...)...),
		})
	}
	s.unchanged()
}

// with returns the configuration of a resource with some arguments.
func with(arguments string) func(*stage) string {
	return func(s *stage) string { return s.credentials(arguments) }
}

// facts returns facts that are the same for every stage.
func facts(facts ...string) func(*stage) []string {
	return func(*stage) []string { return facts }
}

// active checks that a key is Active.
func active(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if !key.Active() {
			return fmt.Errorf("access key %s is not Active any more", key.ID)
		}
		return nil
	})
}

// inactive checks that a key is Inactive and not deleted.
func inactive(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if key.Active() || !key.Exists() {
			return fmt.Errorf("access key %s: active is %t, exists is %t", key.ID, key.Active(), key.Exists())
		}
		return nil
	})
}

// gone checks that a key is deleted.
func gone(key *simulator.AccessKey) resource.TestCheckFunc {
	return check(func() error {
		if key.Exists() {
			return fmt.Errorf("access key %s still exists", key.ID)
		}
		return nil
	})
}

// stores checks that holders store a key and its secret.
func stores(key func() *simulator.AccessKey, holders ...*simulator.Holder) resource.TestCheckFunc {
	return check(func() error {
		for _, holder := range holders {
			if got, want := holder.AccessKeyID(), key(); got != want.ID || holder.Secret() != want.Secret {
				return fmt.Errorf("%v stores %s, want %s and its secret", holder.Object()["name"], got, want.ID)
			}
		}
		return nil
	})
}

// order checks that the first requests for these changes were made in this order.
func (s *stage) order(operations ...string) resource.TestCheckFunc {
	return check(func() error {
		var made []string
		for _, request := range s.Mutations() {
			if slices.Contains(operations, request.Operation) && !slices.Contains(made, request.Operation) {
				made = append(made, request.Operation)
			}
		}
		if !slices.Equal(made, operations) {
			return fmt.Errorf("the changes were made in the order %q, want %q", made, operations)
		}
		return nil
	})
}

func value(address, attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(address, tfjsonpath.New(attribute), want)
}

func text(s string) knownvalue.Check { return knownvalue.StringExact(s) }
