package provider_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hcldec"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	tfjson "github.com/hashicorp/terraform-json"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/zclconf/go-cty/cty"
	ctyjson "github.com/zclconf/go-cty/cty/json"
	ctymsgpack "github.com/zclconf/go-cty/cty/msgpack"
)

// The kinds of blocks in a configuration.
const (
	resourceKind = "resource"
	dataKind     = "data"
	// providerKind is also the address of the provider's block.
	providerKind = "provider"
)

// addresses returns the addresses of the configuration's resources and data sources, without those of other providers.
func (p *session) addresses() []string {
	var found []string
	for _, block := range p.body().Blocks {
		if address := addressOf(block); strings.Contains(address, "qoveryrotation_") {
			found = append(found, address)
		}
	}
	return found
}

// addressOf returns the address of a block as Terraform writes it.
func addressOf(block *hclsyntax.Block) string {
	switch block.Type {
	case resourceKind:
		return strings.Join(block.Labels, ".")
	case dataKind:
		return strings.Join(append([]string{dataKind}, block.Labels...), ".")
	default:
		return block.Type
	}
}

func (p *session) body() *hclsyntax.Body {
	body, ok := p.config.Body.(*hclsyntax.Body)
	if !ok {
		p.t.Fatal("the configuration is not in HCL's native syntax")
	}
	return body
}

// block returns the block of the configuration. It is empty if there is none.
func (p *session) block() *hclsyntax.Block {
	for _, block := range p.body().Blocks {
		if addressOf(block) == p.address {
			return block
		}
	}
	return &hclsyntax.Block{Body: &hclsyntax.Body{}}
}

// kind returns the kind and the type of the block.
func (p *session) kind() (kind, label string) {
	switch parts := strings.Split(p.address, "."); {
	case p.address == providerKind:
		return providerKind, "qoveryrotation"
	case parts[0] == dataKind:
		return dataKind, parts[1]
	default:
		return resourceKind, parts[0]
	}
}

// schema returns the schema of the block.
func (p *session) schema() *tfprotov6.Schema {
	switch kind, label := p.kind(); kind {
	case resourceKind:
		return p.schemas.ResourceSchemas[label]
	case dataKind:
		return p.schemas.DataSourceSchemas[label]
	default:
		return p.schemas.Provider
	}
}

// objects returns the type of the schema's values.
func (p *session) objects() cty.Type {
	p.t.Helper()
	content, err := json.Marshal(p.schema().ValueType())
	p.must(err)
	objects, err := ctyjson.UnmarshalType(content)
	p.must(err)
	return objects
}

// decode decodes the block by its schema.
func (p *session) decode() cty.Value {
	p.t.Helper()
	objects := p.objects()
	spec := hcldec.ObjectSpec{}
	for name, wanted := range objects.AttributeTypes() {
		spec[name] = &hcldec.AttrSpec{Name: name, Type: lenient(wanted)}
	}
	for _, nested := range p.schema().Block.BlockTypes {
		inside := hcldec.ObjectSpec{}
		for name, wanted := range objects.AttributeType(nested.TypeName).AttributeTypes() {
			inside[name] = &hcldec.AttrSpec{Name: name, Type: wanted}
		}
		spec[nested.TypeName] = &hcldec.BlockSpec{TypeName: nested.TypeName, Nested: inside}
	}
	value, _, diagnostics := hcldec.PartialDecode(p.block().Body, spec, &hcl.EvalContext{Variables: p.references})
	if diagnostics.HasErrors() {
		p.t.Fatal(diagnostics)
	}
	return value
}

// lenient returns a type whose objects may leave out attributes.
func lenient(t cty.Type) cty.Type {
	if !t.IsObjectType() {
		return t
	}
	attributes := map[string]cty.Type{}
	for name, wanted := range t.AttributeTypes() {
		attributes[name] = lenient(wanted)
	}
	return cty.ObjectWithOptionalAttrs(attributes, slices.Collect(maps.Keys(attributes)))
}

// encode and value translate between values and the protocol.
func (p *session) encode(value cty.Value) *tfprotov6.DynamicValue {
	p.t.Helper()
	objects := p.objects()
	if value == cty.NilVal {
		value = cty.NullVal(objects)
	}
	content, err := ctymsgpack.Marshal(value, objects)
	p.must(err)
	return &tfprotov6.DynamicValue{MsgPack: content}
}

func (p *session) value(encoded *tfprotov6.DynamicValue) cty.Value {
	p.t.Helper()
	if encoded == nil {
		return cty.NilVal
	}
	value, err := ctymsgpack.Unmarshal(encoded.MsgPack, p.objects())
	p.must(err)
	if value.IsNull() {
		return cty.NilVal
	}
	return value
}

// problem returns the errors among diagnostics, each with the argument that it is about, as Terraform prints it.
func (p *session) problem(diagnostics []*tfprotov6.Diagnostic) error {
	var problems []error
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			problems = append(problems, fmt.Errorf("%s\n%s\n%s", d.Summary, p.source(d), d.Detail))
		}
	}
	return errors.Join(problems...)
}

// source returns the text of the argument that a diagnostic is about.
func (p *session) source(d *tfprotov6.Diagnostic) string {
	if d.Attribute == nil || len(d.Attribute.Steps()) == 0 {
		return ""
	}
	step, _ := d.Attribute.Steps()[0].(tftypes.AttributeName)
	name, body := string(step), p.block().Body
	if attribute, ok := body.Attributes[name]; ok {
		return string(attribute.SrcRange.SliceBytes(p.config.Bytes))
	}
	for _, nested := range body.Blocks {
		if nested.Type == name {
			return string(nested.Range().SliceBytes(p.config.Bytes))
		}
	}
	return ""
}

// expect checks attributes of an object.
func (s *stage) expect(address string, o object, checks ...statecheck.StateCheck) {
	s.t.Helper()
	values, err := decodedJSON(o.state)
	s.must(err)
	found := &tfjson.StateResource{Address: address, AttributeValues: values}
	state := &tfjson.State{Values: &tfjson.StateValues{RootModule: &tfjson.StateModule{Resources: []*tfjson.StateResource{found}}}}
	for _, check := range checks {
		var resp statecheck.CheckStateResponse
		check.CheckState(s.t.Context(), statecheck.CheckStateRequest{State: state}, &resp)
		if resp.Error != nil {
			s.t.Error(resp.Error)
		}
	}
}

// decodedJSON returns an object as Terraform shows it.
func decodedJSON(value cty.Value) (map[string]any, error) {
	content, err := ctyjson.Marshal(value, value.Type())
	if err != nil {
		return nil, err
	}
	var attributes map[string]any
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.UseNumber()
	err = decoder.Decode(&attributes)
	return attributes, err
}
