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
	// address is the resource that is planned, applied and refreshed: the first one of the configuration, unless at chooses another.
	address string
	// references are the values that expressions can refer to, by the type of a resource.
	references map[string]cty.Value
}

// at returns the same provider for another resource.
func (p *session) at(address string, references map[string]cty.Value) *session {
	other := *p
	other.address, other.references = address, references
	return &other
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
	p := &session{stage: s, server: server, schemas: schemas, config: file, references: map[string]cty.Value{
		"terraform_data": cty.DynamicVal, "qoveryrotation_aws_credentials": cty.DynamicVal,
	}}
	var problems []error
	for _, address := range append(p.addresses(), providerKind) {
		if strings.HasPrefix(address, "qoveryrotation") && p.address == "" {
			p.address = address
		}
		problems = append(problems, p.at(address, p.references).validate())
	}
	if err := errors.Join(problems...); err != nil {
		return p, err
	}
	configured := p.at(providerKind, p.references)
	resp, err := server.ConfigureProvider(s.t.Context(), &tfprotov6.ConfigureProviderRequest{Config: configured.encode(configured.decode())})
	s.must(err)
	return p, configured.problem(resp.Diagnostics)
}

// must ends the test if there is an error.
func (s *stage) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// validate validates a block.
func (p *session) validate() error {
	p.t.Helper()
	config := p.encode(p.decode())
	switch kind, label := p.kind(); kind {
	case resourceKind:
		resp, err := p.server.ValidateResourceConfig(p.t.Context(), &tfprotov6.ValidateResourceConfigRequest{TypeName: label, Config: config})
		p.must(err)
		return p.problem(resp.Diagnostics)
	case dataKind:
		resp, err := p.server.ValidateDataResourceConfig(p.t.Context(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: label, Config: config})
		p.must(err)
		return p.problem(resp.Diagnostics)
	default:
		resp, err := p.server.ValidateProviderConfig(p.t.Context(), &tfprotov6.ValidateProviderConfigRequest{Config: config})
		p.must(err)
		return p.problem(resp.Diagnostics)
	}
}

// plan plans the resource.
func (p *session) plan(before object) (object, error) {
	p.t.Helper()
	planned, _, err := p.planChange(before)
	return planned, err
}

// planChange plans the resource, and reports whether it must be replaced. As in Terraform, computed attributes that are not
// configured are proposed with their value.
func (p *session) planChange(before object) (planned object, replace bool, err error) {
	p.t.Helper()
	config := p.decode()
	proposed := config.AsValueMap()
	if before.exists() {
		for _, attribute := range p.schema().Block.Attributes {
			if attribute.Computed && proposed[attribute.Name].IsNull() {
				proposed[attribute.Name] = before.state.GetAttr(attribute.Name)
			}
		}
	}
	return p.planTo(before, config, cty.ObjectVal(proposed))
}

// planDestroy plans that the resource is destroyed.
func (p *session) planDestroy(before object) error {
	p.t.Helper()
	_, _, err := p.planTo(before, cty.NilVal, cty.NilVal)
	return err
}

func (p *session) planTo(before object, config, proposed cty.Value) (planned object, replace bool, err error) {
	p.t.Helper()
	_, label := p.kind()
	resp, err := p.server.PlanResourceChange(p.t.Context(), &tfprotov6.PlanResourceChangeRequest{
		TypeName: label, Config: p.encode(config), PriorState: p.encode(before.state), ProposedNewState: p.encode(proposed),
		PriorPrivate: before.private, PriorIdentity: before.identity,
	})
	p.must(err)
	planned = object{p.value(resp.PlannedState), resp.PlannedPrivate, resp.PlannedIdentity}
	return planned, len(resp.RequiresReplace) > 0, p.problem(resp.Diagnostics)
}

// apply carries out a plan.
func (p *session) apply(before, planned object) (object, error) {
	p.t.Helper()
	config := cty.NilVal
	if planned.exists() {
		config = p.decode()
	}
	_, label := p.kind()
	resp, err := p.server.ApplyResourceChange(p.t.Context(), &tfprotov6.ApplyResourceChangeRequest{
		TypeName: label, Config: p.encode(config), PriorState: p.encode(before.state),
		PlannedState: p.encode(planned.state), PlannedPrivate: planned.private, PlannedIdentity: planned.identity,
	})
	p.must(err)
	return object{p.value(resp.NewState), resp.Private, resp.NewIdentity}, p.problem(resp.Diagnostics)
}

// refresh reads a resource, if it exists.
func (p *session) refresh(before object) (object, error) {
	p.t.Helper()
	if !before.exists() {
		return before, nil
	}
	_, label := p.kind()
	resp, err := p.server.ReadResource(p.t.Context(), &tfprotov6.ReadResourceRequest{
		TypeName: label, CurrentState: p.encode(before.state), Private: before.private, CurrentIdentity: before.identity,
	})
	p.must(err)
	return object{p.value(resp.NewState), resp.Private, resp.NewIdentity}, p.problem(resp.Diagnostics)
}

// imports imports credentials and reads them.
func (p *session) imports(id string) error {
	p.t.Helper()
	_, label := p.kind()
	resp, err := p.server.ImportResourceState(p.t.Context(), &tfprotov6.ImportResourceStateRequest{TypeName: label, ID: id})
	p.must(err)
	if err := p.problem(resp.Diagnostics); err != nil {
		return err
	}
	found := resp.ImportedResources[0]
	_, err = p.refresh(object{p.value(found.State), found.Private, found.Identity})
	return err
}

// readData reads a data source.
func (p *session) readData(address string) (object, error) {
	p.t.Helper()
	p = p.at(address, p.references)
	_, label := p.kind()
	resp, err := p.server.ReadDataSource(p.t.Context(), &tfprotov6.ReadDataSourceRequest{TypeName: label, Config: p.encode(p.decode())})
	p.must(err)
	return object{state: p.value(resp.State)}, p.problem(resp.Diagnostics)
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
	after, err := applying.planAgain(before, planned)
	if err == nil {
		s.nothingToDo(config, after)
	}
	return after, err
}

// planAgain plans a second time, as Terraform does when it knows more values, and carries that plan out if it changes anything.
func (p *session) planAgain(before, planned object) (object, error) {
	p.t.Helper()
	again, err := p.plan(before)
	if err != nil {
		return before, err
	}
	p.keeps("second plan", planned, again)
	if before.exists() && again.state.RawEquals(before.state) {
		return before, nil
	}
	after, err := p.apply(before, again)
	if err == nil {
		p.keeps("apply", again, after)
	}
	return after, err
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
