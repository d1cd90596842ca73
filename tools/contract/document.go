package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// object is an object in an OpenAPI document. Documents are read as plain maps. So a document can be compared even if parts
// that do not matter here are unusual.
type object = map[string]any

// read reads a document in YAML or JSON.
func read(path string) (object, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	document, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return document, nil
}

func parse(text []byte) (object, error) {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	root, ok := plain(document).(object)
	if !ok || root["paths"] == nil {
		return nil, errors.New("not an OpenAPI document: it has no paths")
	}
	return root, nil
}

// plain converts the keys of all maps in a YAML document to text, because a status code may be written as a number.
func plain(value any) any {
	switch value := value.(type) {
	case map[any]any:
		o := object{}
		for key, v := range value {
			o[fmt.Sprint(key)] = plain(v)
		}
		return o
	case object:
		for key, v := range value {
			value[key] = plain(v)
		}
	case []any:
		for i, v := range value {
			value[i] = plain(v)
		}
	}
	return value
}

// part returns the object at the end of a path of keys, or an empty one.
func part(o object, keys ...string) object {
	for _, key := range keys {
		o, _ = o[key].(object)
	}
	return o
}

// list returns a value as a list, or an empty list if it is none.
func list(value any) []any {
	entries, _ := value.([]any)
	return entries
}

// resolve follows a reference within the document, if there is one.
func resolve(document object, value any) object {
	o, _ := value.(object)
	if ref, ok := o["$ref"].(string); ok {
		return part(document, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
	}
	return o
}

// schemaName returns the name of the schema that a value refers to, or "".
func schemaName(value any) string {
	ref, _ := value.(string)
	name, ok := strings.CutPrefix(ref, "#/components/schemas/")
	if !ok {
		return ""
	}
	return name
}

var methods = []string{"delete", "get", "head", "options", "patch", "post", "put", "trace"}

// eachOperation calls a function for every operation of a document, in a stable order.
func eachOperation(document object, do func(path, method string, item, operation object)) {
	paths := part(document, "paths")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		item := part(paths, path)
		for _, method := range methods {
			if operation, ok := item[method].(object); ok {
				do(path, method, item, operation)
			}
		}
	}
}

// format returns a document as JSON with each value on one line if it fits there, so that changes can be reviewed.
func format(value any, indent string) string {
	const lineLength = 140
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // A parsed document has only values that JSON has.
	}
	deeper := indent + "  "
	var lines []string
	switch value := value.(type) {
	case object:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			lines = append(lines, fmt.Sprintf("%s%q: %s", deeper, key, format(value[key], deeper)))
		}
		if len(indent)+len(text) > lineLength {
			return "{\n" + strings.Join(lines, ",\n") + "\n" + indent + "}"
		}
	case []any:
		for _, v := range value {
			lines = append(lines, deeper+format(v, deeper))
		}
		if len(indent)+len(text) > lineLength {
			return "[\n" + strings.Join(lines, ",\n") + "\n" + indent + "]"
		}
	}
	return string(text)
}
