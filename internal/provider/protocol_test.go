package provider_test

import (
	"errors"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/zclconf/go-cty/cty"
)

// session is a configured provider in the test's process, called by Terraform's protocol. It saves the starts of Terraform, of
// which a test step needs several.
type session struct {
	*stage
	server  providerServer
	schemas *tfprotov6.GetProviderSchemaResponse
	config  *hcl.File
}

// object is what Terraform stores about a resource. The zero object does not exist.
type object struct {
	state    cty.Value
	private  []byte
	identity *tfprotov6.ResourceIdentityData
}

func (o object) exists() bool { return o.state != cty.NilVal }

// open validates a configuration and configures the provider with it. References to resources are unknown values.
func (s *stage) open(config string) (*session, error) {
	s.t.Helper()
	served, err := s.serve()
	s.must(err)
	server, ok := served.(providerServer)
	if !ok {
		s.t.Fatal("the provider has no lists")
	}
	schemas, err := server.GetProviderSchema(s.t.Context(), &tfprotov6.GetProviderSchemaRequest{})
	s.must(err)
	file, diagnostics := hclsyntax.ParseConfig([]byte(config), "main.tf", hcl.InitialPos)
	if diagnostics.HasErrors() {
		s.t.Fatal(diagnostics)
	}
	p := &session{s, server, schemas, file}
	problems := []error{p.validate("provider", "qoveryrotation")}
	for _, block := range p.blocks() {
		problems = append(problems, p.validate(block.Type, block.Labels[0]))
	}
	if err := errors.Join(problems...); err != nil {
		return p, err
	}
	block, values := p.block("provider", "qoveryrotation")
	resp, err := server.ConfigureProvider(s.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: values})
	s.must(err)
	return p, p.problem(block, resp.Diagnostics)
}

// must ends the test if there is an error.
func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// validate validates a block.
func (p *session) validate(kind, label string) error {
	p.t.Helper()
	block, values := p.block(kind, label)
	switch kind {
	case "resource":
		resp, err := p.server.ValidateResourceConfig(p.t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: label, Config: values})
		p.must(err)
		return p.problem(block, resp.Diagnostics)
	case "data":
		resp, err := p.server.ValidateDataResourceConfig(p.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: label, Config: values})
		p.must(err)
		return p.problem(block, resp.Diagnostics)
	default:
		resp, err := p.server.ValidateProviderConfig(p.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: values})
		p.must(err)
		return p.problem(block, resp.Diagnostics)
	}
}

// plan plans the resource of the configuration. As in Terraform, computed attributes that are not configured are proposed with
// their value.
func (p *session) plan(before object) (object, error) {
	p.t.Helper()
	label := p.label()
	block, config := p.block("resource", label)
	proposed := p.decode(block, "resource", label).AsValueMap()
	if before.exists() {
		for _, attribute := range p.schema("resource", label).Block.Attributes {
			if attribute.Computed && proposed[attribute.Name].IsNull() {
				proposed[attribute.Name] = before.state.GetAttr(attribute.Name)
			}
		}
	}
	resp, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: label, Config: config, PriorState: p.encode("resource", label, before.state),
		ProposedNewState: p.encode("resource", label, cty.ObjectVal(proposed)), PriorPrivate: before.private, PriorIdentity: before.identity,
	})
	p.must(err)
	return object{p.value("resource", label, resp.PlannedState), resp.PlannedPrivate, resp.PlannedIdentity}, p.problem(block, resp.Diagnostics)
}

// apply carries out a plan.
func (p *session) apply(before, planned object) (object, error) {
	p.t.Helper()
	label := p.label()
	block, config := p.block("resource", label)
	if !planned.exists() {
		config = p.encode("resource", label, cty.NilVal)
	}
	resp, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: label, Config: config, PriorState: p.encode("resource", label, before.state),
		PlannedState: p.encode("resource", label, planned.state), PlannedPrivate: planned.private, PlannedIdentity: planned.identity,
	})
	p.must(err)
	return object{p.value("resource", label, resp.NewState), resp.Private, resp.NewIdentity}, p.problem(block, resp.Diagnostics)
}

// refresh reads a resource, if it exists.
func (p *session) refresh(before object) (object, error) {
	p.t.Helper()
	if !before.exists() {
		return before, nil
	}
	resp, err := p.server.ReadResource(p.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: p.label(), CurrentState: p.encode("resource", p.label(), before.state),
		Private: before.private, CurrentIdentity: before.identity,
	})
	p.must(err)
	return object{p.value("resource", p.label(), resp.NewState), resp.Private, resp.NewIdentity}, p.problem(nil, resp.Diagnostics)
}

// imports imports credentials and reads them.
func (p *session) imports(id string) error {
	p.t.Helper()
	label := p.label()
	resp, err := p.server.ImportResourceState(p.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: label, ID: id})
	p.must(err)
	if err := p.problem(nil, resp.Diagnostics); err != nil {
		return err
	}
	found := resp.ImportedResources[0]
	_, err = p.refresh(object{p.value("resource", label, found.State), found.Private, found.Identity})
	return err
}

// readData reads a data source.
func (p *session) readData(address string) (object, error) {
	p.t.Helper()
	label := strings.Split(address, ".")[1]
	block, config := p.block("data", label)
	resp, err := p.server.ReadDataSource(p.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: label, Config: config})
	p.must(err)
	return object{state: p.value("data", label, resp.State)}, p.problem(block, resp.Diagnostics)
}

// apply calls the provider as Terraform does in an apply of a configuration with one resource: refresh, plan, a second plan by
// another instance, apply. Then a plan must be empty.
func (s *stage) apply(config string, before object) (object, error) {
	s.t.Helper()
	planning, err := s.open(config)
	if err != nil {
		return before, err
	}
	refreshed, err := planning.refresh(before)
	if err != nil {
		return before, err
	}
	planned, err := planning.plan(refreshed)
	if err != nil {
		return refreshed, err
	}
	if refreshed.exists() && planned.state.RawEquals(refreshed.state) {
		return refreshed, nil
	}
	return s.applyPlan(config, refreshed, planned)
}

// applyPlan is the second half of apply: the second plan, and the apply.
func (s *stage) applyPlan(config string, before, planned object) (object, error) {
	s.t.Helper()
	applying, err := s.open(config)
	if err != nil {
		return before, err
	}
	again, err := applying.plan(before)
	if err != nil {
		return before, err
	}
	s.keeps("second plan", planned, again)
	after, err := applying.apply(before, again)
	if err != nil {
		return after, err
	}
	s.keeps("apply", again, after)
	s.nothingToDo(config, after)
	return after, nil
}

// keeps checks, as Terraform does, that every value that was known in the plan is the same now.
func (s *stage) keeps(what string, planned, got object) {
	s.t.Helper()
	for name, value := range planned.state.AsValueMap() {
		if now := got.state.GetAttr(name); value.IsWhollyKnown() && !now.RawEquals(value) {
			s.t.Errorf("%s is %#v after the %s, planned was %#v", name, now, what, value)
		}
	}
}

// plan refreshes and plans an object, and checks that exactly these attributes are unknown.
func (s *stage) plan(config string, before object, want open) (refreshed, planned object) {
	s.t.Helper()
	p, err := s.open(config)
	s.must(err)
	refreshed, err = p.refresh(before)
	s.must(err)
	planned, err = p.plan(refreshed)
	s.must(err)
	var got []string
	for name, value := range planned.state.AsValueMap() {
		if !value.IsKnown() {
			got = append(got, name)
		}
	}
	slices.Sort(got)
	if attributes := slices.Sorted(slices.Values(want.attributes)); !slices.Equal(got, attributes) {
		s.t.Errorf("the plan leaves open %v, want %v", got, attributes)
	}
	return refreshed, planned
}

// mustApplyPlan is applyPlan for an apply that succeeds.
func (s *stage) mustApplyPlan(config string, before, planned object) object {
	s.t.Helper()
	after, err := s.applyPlan(config, before, planned)
	s.must(err)
	return after
}

// nothingToDo checks that a plan is empty, without a refresh and with one.
func (s *stage) nothingToDo(config string, o object) {
	s.t.Helper()
	p, err := s.open(config)
	s.must(err)
	refreshed, err := p.refresh(o)
	s.must(err)
	for _, before := range []object{o, refreshed} {
		planned, err := p.plan(before)
		if err != nil || !planned.state.RawEquals(before.state) {
			s.t.Errorf("after the apply the plan is %#v, %v, want %#v", planned.state, err, before.state)
		}
	}
}

// mustApply is apply for a configuration that is accepted.
func (s *stage) mustApply(config string, before object) object {
	s.t.Helper()
	after, err := s.apply(config, before)
	s.must(err)
	return after
}

// destroy removes a resource of a configuration.
func (s *stage) destroy(config string, before object) {
	s.t.Helper()
	p, err := s.open(config)
	s.must(err)
	_, err = p.apply(before, object{})
	s.must(err)
}

// refuse returns the error with which a configuration is refused before an apply.
func (s *stage) refuse(config string) error {
	s.t.Helper()
	p, err := s.open(config)
	if err == nil {
		_, err = p.plan(object{})
	}
	return err
}

// fails checks that an error contains some facts in this order.
func (s *stage) fails(err error, facts ...string) {
	s.t.Helper()
	if err == nil || !says(facts...).MatchString(err.Error()) {
		s.t.Errorf("got %v, want an error that says %q", err, facts)
	}
}
