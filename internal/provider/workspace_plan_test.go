package provider_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/zclconf/go-cty/cty"
)

// check checks a plan in the form in which Terraform shows it.
func (w *workspace) check(planned *plan, checks []plancheck.PlanCheck) error {
	shown := planned.show()
	var errs []error
	for _, check := range checks {
		var resp plancheck.CheckPlanResponse
		check.CheckPlan(w.t.Context(), plancheck.CheckPlanRequest{Plan: shown}, &resp)
		errs = append(errs, resp.Error)
	}
	return errors.Join(errs...)
}

// show returns the plan in the form in which Terraform shows it, as far as checks read it.
func (p *plan) show() *tfjson.Plan {
	module := &tfjson.StateModule{}
	shown := &tfjson.Plan{PriorState: &tfjson.State{FormatVersion: "1.0", Values: &tfjson.StateValues{RootModule: module}}}
	for _, address := range slices.Sorted(maps.Keys(p.refreshed)) {
		values, _ := attributes(p.refreshed[address].state).(map[string]any)
		label, name, _ := strings.Cut(address, ".")
		module.Resources = append(module.Resources, &tfjson.StateResource{
			Address: address, Mode: tfjson.ManagedResourceMode, Type: label, Name: name, AttributeValues: values,
		})
		if drift := (change{address: address, before: p.before[address], after: p.refreshed[address]}); !drift.isEmpty() {
			shown.ResourceDrift = append(shown.ResourceDrift, drift.show())
		}
	}
	for _, c := range p.changes {
		shown.ResourceChanges = append(shown.ResourceChanges, c.show())
	}
	return shown
}

func (c change) show() *tfjson.ResourceChange {
	label, name, _ := strings.Cut(c.address, ".")
	shown := &tfjson.Change{Before: attributes(c.before.state), After: attributes(c.after.state), AfterUnknown: unknown(c.after.state)}
	switch {
	case c.destroys():
		shown.Actions = tfjson.Actions{tfjson.ActionDelete}
	case c.replace:
		shown.Actions = tfjson.Actions{tfjson.ActionDelete, tfjson.ActionCreate}
	case !c.before.exists():
		shown.Actions = tfjson.Actions{tfjson.ActionCreate}
	case c.isEmpty():
		shown.Actions = tfjson.Actions{tfjson.ActionNoop}
	default:
		shown.Actions = tfjson.Actions{tfjson.ActionUpdate}
	}
	return &tfjson.ResourceChange{Address: c.address, Mode: tfjson.ManagedResourceMode, Type: label, Name: name, Change: shown}
}

// String makes a plan that should be empty readable.
func (p *plan) String() string {
	var b strings.Builder
	for _, c := range p.changes {
		if !c.isEmpty() {
			fmt.Fprintf(&b, "%s: %v, before %v, after %v\n", c.address, c.show().Change.Actions, attributes(c.before.state), attributes(c.after.state))
		}
	}
	return b.String()
}

// attributes returns an object as Terraform shows it. Attributes that are unknown are missing.
func attributes(value cty.Value) any {
	if value == cty.NilVal {
		return nil
	}
	known := value.AsValueMap()
	maps.DeleteFunc(known, func(_ string, attribute cty.Value) bool { return !attribute.IsWhollyKnown() })
	shown, err := decodedJSON(cty.ObjectVal(known))
	if err != nil {
		panic(err)
	}
	return shown
}

// unknown returns what is unknown in an object, as Terraform shows it.
func unknown(value cty.Value) any {
	if value == cty.NilVal {
		return map[string]any{}
	}
	if !value.IsKnown() {
		return true
	}
	shown := map[string]any{}
	if !value.IsNull() && (value.Type().IsObjectType() || value.Type().IsMapType()) {
		for name, element := range value.AsValueMap() {
			if inside := unknown(element); inside == true || len(inside.(map[string]any)) > 0 {
				shown[name] = inside
			}
		}
	}
	return shown
}
