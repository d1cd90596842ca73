package main

import (
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// accessKeyFields are the fields that a request should change.
var accessKeyFields = []string{"access_key_id", "aws_access_key_id"}

// fields returns the described fields of an object. An open object may have others.
func fields(schema *openapi3.Schema, value object) (known openapi3.Schemas, open bool) {
	known = openapi3.Schemas{}
	maps.Copy(known, schema.Properties)
	more := schema.AdditionalProperties
	open = more.Schema != nil || more.Has != nil && *more.Has || reflect.ValueOf(*schema).IsZero()
	for _, part := range slices.Concat(schema.AllOf, alternatives(schema, value)) {
		partKnown, partOpen := fields(part.Value, value)
		maps.Copy(known, partKnown)
		open = open || partOpen
	}
	return known, open
}

// alternatives returns the alternatives of a schema that fit the value: the one that its discriminator names, or all of them.
func alternatives(schema *openapi3.Schema, value object) openapi3.SchemaRefs {
	if schema.Discriminator == nil {
		return schema.OneOf
	}
	named := schema.Discriminator.Mapping[fmt.Sprint(value[schema.Discriminator.PropertyName])].Ref
	return slices.DeleteFunc(slices.Clone(schema.OneOf), func(s *openapi3.SchemaRef) bool { return s.Ref != named })
}

// undescribed lists the fields of a value that its schema does not have. OpenAPI allows them, and so does openapi3filter.
func undescribed(schema *openapi3.Schema, value any, where string) []string {
	var found []string
	switch value := value.(type) {
	case []any:
		for i, entry := range value {
			if items := itemsOf(schema); items != nil {
				found = append(found, undescribed(items, entry, fmt.Sprintf("%s[%d]", where, i))...)
			}
		}
	case object:
		known, open := fields(schema, value)
		for _, name := range slices.Sorted(maps.Keys(value)) {
			switch field := known[name]; {
			case field != nil:
				found = append(found, undescribed(field.Value, value[name], where+"."+name)...)
			case !open:
				found = append(found, where+"."+name)
			}
		}
	}
	return found
}

func itemsOf(schema *openapi3.Schema) *openapi3.Schema {
	if schema.Items != nil {
		return schema.Items.Value
	}
	for _, part := range schema.AllOf {
		if items := itemsOf(part.Value); items != nil {
			return items
		}
	}
	return nil
}

// losses lists the fields that an update loses or changes, because they were read and are not sent back unchanged. An update
// replaces the whole object.
func losses(schema *openapi3.Schema, shown, sent object, where string) []string {
	known, _ := fields(schema, sent)
	var found []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		read, now := shown[name], sent[name]
		inner, isObject := now.(object)
		switch {
		case read == nil, slices.Contains(accessKeyFields, name) && now != nil:
		case now == nil:
			found = append(found, fmt.Sprintf("field %s.%s is lost", where, name))
		case isObject:
			found = append(found, losses(known[name].Value, part(shown, name), inner, where+"."+name)...)
		case !reflect.DeepEqual(read, now):
			found = append(found, fmt.Sprintf("field %s.%s was %v and becomes %v", where, name, read, now))
		}
	}
	return found
}
