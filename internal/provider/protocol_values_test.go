package provider_test

import (
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

// blocks returns the blocks of the configuration, without those of other providers.
func (p *session) blocks() []*hclsyntax.Block {
	var found []*hclsyntax.Block
	for _, block := range p.body().Blocks {
		if len(block.Labels) > 0 && strings.HasPrefix(block.Labels[0], "qoveryrotation") {
			found = append(found, block)
		}
	}
	return found
}

func (p *session) body() *hclsyntax.Body {
	body, ok := p.config.Body.(*hclsyntax.Body)
	if !ok {
		p.t.Fatal("the configuration is not in HCL's native syntax")
	}
	return body
}

// label returns the type of the resource in the configuration.
func (p *session) label() string {
	for _, block := range p.blocks() {
		if block.Type == "resource" {
			return block.Labels[0]
		}
	}
	p.t.Fatal("the configuration has no resource")
	return ""
}

// schema returns the schema of a block.
func (p *session) schema(kind, label string) *tfprotov6.Schema {
	switch kind {
	case "resource":
		return p.schemas.ResourceSchemas[label]
	case "data":
		return p.schemas.DataSourceSchemas[label]
	default:
		return p.schemas.Provider
	}
}

// typeOf returns the type of a schema's values.
func (p *session) typeOf(schema *tfprotov6.Schema) cty.Type {
	p.t.Helper()
	content, err := json.Marshal(schema.ValueType())
	p.must(err)
	objects, err := ctyjson.UnmarshalType(content)
	p.must(err)
	return objects
}

// block finds the first block of a kind, and decodes its values.
func (p *session) block(kind, label string) (*hclsyntax.Block, *tfprotov6.DynamicValue) {
	p.t.Helper()
	for _, block := range p.blocks() {
		if block.Type == kind && block.Labels[0] == label {
			return block, p.encode(kind, label, p.decode(block, kind, label))
		}
	}
	return nil, p.encode(kind, label, p.decode(&hclsyntax.Block{Body: &hclsyntax.Body{}}, kind, label))
}

// decode decodes a block by its schema.
func (p *session) decode(block *hclsyntax.Block, kind, label string) cty.Value {
	p.t.Helper()
	schema := p.schema(kind, label)
	objects := p.typeOf(schema)
	spec := hcldec.ObjectSpec{}
	for name, wanted := range objects.AttributeTypes() {
		spec[name] = &hcldec.AttrSpec{Name: name, Type: lenient(wanted)}
	}
	for _, nested := range schema.Block.BlockTypes {
		inside := hcldec.ObjectSpec{}
		for name, wanted := range objects.AttributeType(nested.TypeName).AttributeTypes() {
			inside[name] = &hcldec.AttrSpec{Name: name, Type: wanted}
		}
		spec[nested.TypeName] = &hcldec.BlockSpec{TypeName: nested.TypeName, Nested: inside}
	}
	unknown := &hcl.EvalContext{Variables: map[string]cty.Value{
		"terraform_data": cty.DynamicVal, "qoveryrotation_aws_credentials": cty.DynamicVal,
	}}
	value, _, diagnostics := hcldec.PartialDecode(block.Body, spec, unknown)
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
func (p *session) encode(kind, label string, value cty.Value) *tfprotov6.DynamicValue {
	p.t.Helper()
	objects := p.typeOf(p.schema(kind, label))
	if value == cty.NilVal {
		value = cty.NullVal(objects)
	}
	content, err := ctymsgpack.Marshal(value, objects)
	p.must(err)
	return &tfprotov6.DynamicValue{MsgPack: content}
}

func (p *session) value(kind, label string, encoded *tfprotov6.DynamicValue) cty.Value {
	p.t.Helper()
	if encoded == nil {
		return cty.NilVal
	}
	value, err := ctymsgpack.Unmarshal(encoded.MsgPack, p.typeOf(p.schema(kind, label)))
	p.must(err)
	if value.IsNull() {
		return cty.NilVal
	}
	return value
}

// problem returns the errors among diagnostics, each with the argument that it is about, as Terraform prints it.
func (p *session) problem(block *hclsyntax.Block, diagnostics []*tfprotov6.Diagnostic) error {
	var problems []error
	for _, d := range diagnostics {
		if d.Severity == tfprotov6.DiagnosticSeverityError {
			problems = append(problems, fmt.Errorf("%s\n%s\n%s", d.Summary, p.source(block, d), d.Detail))
		}
	}
	return errors.Join(problems...)
}

// source returns the text of the argument that a diagnostic is about.
func (p *session) source(block *hclsyntax.Block, d *tfprotov6.Diagnostic) string {
	if block == nil || d.Attribute == nil || len(d.Attribute.Steps()) == 0 {
		return ""
	}
	step, _ := d.Attribute.Steps()[0].(tftypes.AttributeName)
	name := string(step)
	if attribute, ok := block.Body.Attributes[name]; ok {
		return string(attribute.SrcRange.SliceBytes(p.config.Bytes))
	}
	for _, nested := range block.Body.Blocks {
		if nested.Type == name {
			return string(nested.Range().SliceBytes(p.config.Bytes))
		}
	}
	return ""
}

// expect checks attributes of an object.
func (s *stage) expect(address string, o object, checks ...statecheck.StateCheck) {
	s.t.Helper()
	content, err := ctyjson.Marshal(o.state, o.state.Type())
	s.must(err)
	found := &tfjson.StateResource{Address: address}
	decoder := json.NewDecoder(strings.NewReader(string(content)))
	decoder.UseNumber()
	s.must(decoder.Decode(&found.AttributeValues))
	state := &tfjson.State{Values: &tfjson.StateValues{RootModule: &tfjson.StateModule{Resources: []*tfjson.StateResource{found}}}}
	for _, check := range checks {
		var resp statecheck.CheckStateResponse
		check.CheckState(s.t.Context(), statecheck.CheckStateRequest{State: state}, &resp)
		if resp.Error != nil {
			s.t.Error(resp.Error)
		}
	}
}
