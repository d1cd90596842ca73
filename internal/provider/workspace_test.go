package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/zclconf/go-cty/cty"
)

// workspace is what a working directory is for Terraform: a configuration, and the objects of its resources. It carries out the
// steps of a test with the provider in the test's process, without the many processes that Terraform needs for a step. It knows
// as much of Terraform as these steps use, and ends the test at anything else. Whether it does what Terraform does is checked by
// "make test-latest", which gives the same steps to Terraform.
type workspace struct {
	*stage
	config  string
	objects map[string]object
	// tainted are the addresses of objects that the next apply replaces.
	tainted map[string]bool
	// isDead reports whether the provider was killed during a change, so that Terraform learns nothing of it. It may be nil.
	isDead func() bool
}

// inTerraform is true if Terraform carries out all steps.
var inTerraform = os.Getenv(resource.EnvTfAcc) != ""

// run runs the steps of a test.
func (s *stage) run(steps ...resource.TestStep) {
	s.t.Helper()
	if inTerraform {
		s.runTerraform(steps...)
		return
	}
	w := &workspace{stage: s, objects: map[string]object{}, tainted: map[string]bool{}}
	for i, step := range steps {
		if err := w.run(checkedOnPlan(step)); err != nil {
			s.t.Errorf("step %d of %d: %s", i+1, len(steps), err)
			break
		}
	}
	if err := w.destroy(); err != nil {
		s.t.Errorf("Error running post-test destroy: %s", err)
	}
}

// run runs a step, with the words and the order of terraform-plugin-testing.
func (w *workspace) run(step resource.TestStep) error {
	w.t.Helper()
	if step.PreConfig != nil {
		step.PreConfig()
	}
	for _, address := range step.Taint {
		w.tainted[address] = true
	}
	w.config = step.Config
	err := w.carryOut(step)
	switch {
	case step.ExpectError == nil:
		return err
	case err == nil:
		return errors.New("expected an error but got none")
	case !step.ExpectError.MatchString(err.Error()):
		return fmt.Errorf("expected an error that matches %s: %w", step.ExpectError, err)
	}
	return nil
}

func (w *workspace) carryOut(step resource.TestStep) error {
	w.t.Helper()
	rest := step
	rest.Config, rest.PreConfig, rest.Taint, rest.ConfigPlanChecks = "", nil, nil, resource.ConfigPlanChecks{}
	rest.PlanOnly, rest.ExpectError, rest.ExpectNonEmptyPlan = false, nil, false
	if !reflect.DeepEqual(rest, resource.TestStep{}) {
		w.t.Fatalf("only Terraform can run this step: %+v", rest)
	}
	if !step.PlanOnly {
		planned, err := w.plan(true)
		if err == nil {
			err = w.check(planned, step.ConfigPlanChecks.PreApply)
		}
		if err != nil {
			return fmt.Errorf("Error running pre-apply plan: %w", err)
		}
		if err := w.apply(planned); err != nil {
			return fmt.Errorf("Error running apply: %w", err)
		}
	}
	var last *plan
	for _, after := range []struct {
		refresh bool
		checks  []plancheck.PlanCheck
	}{{false, step.ConfigPlanChecks.PostApplyPreRefresh}, {true, step.ConfigPlanChecks.PostApplyPostRefresh}} {
		planned, err := w.plan(after.refresh)
		if err == nil {
			err = w.check(planned, after.checks)
		}
		if err != nil {
			return fmt.Errorf("Error running post-apply plan: %w", err)
		}
		if !planned.isEmpty() && !step.ExpectNonEmptyPlan {
			return fmt.Errorf("After applying this test step, the plan was not empty (refresh: %t): %v", after.refresh, planned)
		}
		last = planned
	}
	if step.ExpectNonEmptyPlan && last.isEmpty() {
		return errors.New("Expected a non-empty plan, but got an empty plan")
	}
	return nil
}

// plan is a plan of the whole configuration.
type plan struct {
	// before are the objects in the state, and refreshed are the same after a refresh.
	before, refreshed map[string]object
	// changes are in the order in which they are carried out.
	changes []change
}

// change is the change of one resource. Its object after the change does not exist if it is destroyed.
type change struct {
	address       string
	before, after object
	replace       bool
}

func (c change) destroys() bool { return !c.after.exists() }

func (c change) isEmpty() bool {
	return !c.replace && !c.destroys() && c.before.exists() && c.after.state.RawEquals(c.before.state)
}

func (p *plan) isEmpty() bool {
	return !slices.ContainsFunc(p.changes, func(c change) bool { return !c.isEmpty() })
}

// plan plans the configuration. Each resource refers to the one before it, so none is planned after one that cannot be planned.
func (w *workspace) plan(refresh bool) (*plan, error) {
	w.t.Helper()
	server, err := w.open(w.config)
	if err != nil {
		return nil, err
	}
	planned := &plan{before: w.objects, refreshed: maps.Clone(w.objects)}
	if refresh {
		if planned.refreshed, err = w.refreshed(server); err != nil {
			return nil, err
		}
	}
	order := w.order(server)
	for _, address := range slices.Sorted(maps.Keys(planned.refreshed)) {
		if before := planned.refreshed[address]; !slices.Contains(order, address) {
			if err := server.at(address, nil).planDestroy(before); err != nil {
				return nil, err
			}
			planned.changes = append(planned.changes, change{address: address, before: before})
		}
	}
	known := maps.Clone(planned.refreshed)
	for _, address := range order {
		p, c := server.at(address, references(known)), change{address: address, before: planned.refreshed[address]}
		if c.after, c.replace, err = p.planChange(c.before); err == nil && (c.replace || w.tainted[address] && c.before.exists()) {
			c.replace = true
			c.after, err = p.plan(object{})
			err = errors.Join(err, p.planDestroy(c.before))
		}
		if err != nil {
			return nil, err
		}
		known[address] = c.after
		planned.changes = append(planned.changes, c)
	}
	return planned, nil
}

// refreshed returns the objects as they are now, without those that do not exist any more.
func (w *workspace) refreshed(server *session) (map[string]object, error) {
	w.t.Helper()
	refreshed := map[string]object{}
	var problems []error
	for _, address := range slices.Sorted(maps.Keys(w.objects)) {
		o, err := server.at(address, nil).refresh(w.objects[address])
		problems = append(problems, err)
		if o.exists() {
			refreshed[address] = o
		}
	}
	return refreshed, errors.Join(problems...)
}

// apply carries out a plan in another process of the provider, until a change fails.
func (w *workspace) apply(planned *plan) error {
	w.t.Helper()
	server, err := w.open(w.config)
	if err != nil {
		return err
	}
	w.objects = planned.refreshed
	for _, c := range planned.changes {
		if c.isEmpty() {
			continue
		}
		if err := w.change(server, c); err != nil {
			return err
		}
	}
	return nil
}

// change carries out a change, and keeps what the provider returns, also with an error.
func (w *workspace) change(server *session, c change) error {
	w.t.Helper()
	p := server.at(c.address, references(w.objects))
	if c.replace || c.destroys() {
		after, err := p.apply(c.before, object{})
		if w.hasDied() {
			return errDied
		}
		w.keep(c.address, after)
		if err != nil || c.destroys() {
			return err
		}
		c.before = object{}
	}
	after, err := p.planAgain(c.before, c.after)
	if w.hasDied() {
		return errDied
	}
	w.keep(c.address, after)
	w.tainted[c.address] = err != nil && !c.before.exists() && after.exists()
	return err
}

// errDied is the result of a change during which the provider was killed.
var errDied = errors.New("the provider was killed")

func (w *workspace) hasDied() bool { return w.isDead != nil && w.isDead() }

// keep stores an object, if it exists.
func (w *workspace) keep(address string, o object) {
	if o.exists() {
		w.objects[address] = o
	} else {
		delete(w.objects, address)
	}
}

// destroy destroys everything at the end of a test.
func (w *workspace) destroy() error {
	w.t.Helper()
	server, err := w.open(w.config)
	if err != nil {
		return err
	}
	for _, address := range slices.Backward(w.order(server)) {
		if o, ok := w.objects[address]; ok {
			err = errors.Join(server.at(address, nil).planDestroy(o), w.change(server, change{address: address, before: o}))
			if err != nil {
				return err
			}
		}
	}
	if len(w.objects) > 0 {
		return fmt.Errorf("the configuration does not have everything in the state: %v", slices.Collect(maps.Keys(w.objects)))
	}
	return nil
}

// order returns the addresses of the configuration's resources, each after those that it refers to. It ends the test if the
// configuration has something that only Terraform knows.
func (w *workspace) order(p *session) []string {
	w.t.Helper()
	for _, block := range p.body().Blocks {
		known := block.Type == providerKind || block.Type == resourceKind && strings.HasPrefix(block.Labels[0], "qoveryrotation_")
		if !known || block.Type == resourceKind && !p.at(addressOf(block), nil).knows(block) {
			w.t.Fatalf("only Terraform knows what this means: %s", block.Range().SliceBytes(p.config.Bytes))
		}
	}
	var order []string
	missing := p.addresses()
	for len(missing) > 0 {
		ready := slices.DeleteFunc(slices.Clone(missing), func(address string) bool {
			return slices.ContainsFunc(p.at(address, nil).refersTo(), func(other string) bool { return slices.Contains(missing, other) })
		})
		if len(ready) != 1 {
			w.t.Fatalf("only Terraform plans and applies several resources at the same time: %v", ready)
		}
		order = append(order, ready[0])
		missing = slices.DeleteFunc(missing, func(address string) bool { return address == ready[0] })
	}
	return order
}

// knows reports whether a block has only what is in the resource's schema.
func (p *session) knows(block *hclsyntax.Block) bool {
	for name := range block.Body.Attributes {
		if _, ok := p.objects().AttributeTypes()[name]; !ok && name != "depends_on" {
			return false
		}
	}
	return !slices.ContainsFunc(block.Body.Blocks, func(nested *hclsyntax.Block) bool {
		_, ok := p.objects().AttributeTypes()[nested.Type]
		return !ok
	})
}

// refersTo returns the addresses of the resources that the block refers to.
func (p *session) refersTo() []string {
	var found []string
	for _, attribute := range p.block().Body.Attributes {
		for _, traversal := range attribute.Expr.Variables() {
			parts := strings.Split(string(traversal.SourceRange().SliceBytes(p.config.Bytes)), ".")
			found = append(found, strings.Join(parts[:min(2, len(parts))], "."))
		}
	}
	return found
}

// references returns the values that expressions can refer to.
func references(objects map[string]object) map[string]cty.Value {
	byType := map[string]map[string]cty.Value{}
	for address, o := range objects {
		label, name, _ := strings.Cut(address, ".")
		if byType[label] == nil {
			byType[label] = map[string]cty.Value{}
		}
		byType[label][name] = o.state
	}
	values := map[string]cty.Value{}
	for label, named := range byType {
		values[label] = cty.ObjectVal(named)
	}
	return values
}

// The steps that a workspace carries out must fail like those that Terraform carries out.
func TestWorkspaceFails(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	wrong := errors.New("wrong")
	fails := planCheck(func(plancheck.CheckPlanRequest) error { return wrong })
	due := s.credentials(adopt("rotate_after_days = 90"))
	for _, test := range []struct {
		name string
		step resource.TestStep
		want string
	}{
		{"check of the world", resource.TestStep{Config: s.pair(adopt(""), ""), Check: check(func() error { return wrong })}, "wrong"},
		{"check of the plan", resource.TestStep{Config: s.pair(adopt(""), ""), ConfigPlanChecks: plans(fails)}, "Error running pre-apply plan: wrong"},
		{"check of the state", resource.TestStep{
			Config: s.pair(adopt(""), ""), ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "phase", text("draining"))},
		}, "draining"},
		{"no error", resource.TestStep{Config: s.pair(adopt(""), ""), ExpectError: says("wrong")}, "expected an error but got none"},
		{"another error", resource.TestStep{Config: s.pair(adopt("drain_window = \"1s\""), ""), ExpectError: says("wrong")}, "expected an error that matches"},
		{"something left to do", resource.TestStep{Config: due}, "the plan was not empty"},
		{"nothing left to do", resource.TestStep{Config: s.pair(adopt(""), ""), ExpectNonEmptyPlan: true}, "Expected a non-empty plan"},
	} {
		w := &workspace{stage: s, objects: map[string]object{}, tainted: map[string]bool{}}
		if err := w.run(checkedOnPlan(test.step)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want an error that says %q", test.name, err, test.want)
		}
	}
}
