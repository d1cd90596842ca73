package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// facts lists the facts in a document. The key of a fact is its subject.
func facts(document object) map[string]string {
	all := factList{}
	eachOperation(document, func(path, method string, _, operation object) {
		where := strings.ToUpper(method) + " " + path
		all[where] = fmt.Sprint(operation["operationId"])
		for _, entry := range list(operation["parameters"]) {
			parameter, _ := entry.(object)
			name := fmt.Sprintf("%s, %s parameter %s", where, parameter["in"], parameter["name"])
			all.schema(name, parameter["schema"])
			if parameter["required"] == true {
				all[name+", required"] = ""
			}
		}
		if body := part(operation, "requestBody"); body != nil {
			all.content(where+", request", body)
		}
		for status := range part(operation, "responses") {
			all.content(where+", answer "+status, part(operation, "responses", status))
		}
	})
	schemas := part(document, "components", "schemas")
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		all.schema(name, schemas[name])
	}
	return all
}

// factList collects facts.
type factList map[string]string

// content adds the schema of a request or an answer.
func (f factList) content(where string, carrier object) {
	f[where] = ""
	for _, media := range part(carrier, "content") {
		f.schema(where, part(object{"": media}, "")["schema"])
	}
}

// schema adds the facts in a schema about a value, and about the values in it.
func (f factList) schema(where string, value any) {
	schema, _ := value.(object)
	var words []string
	for _, keyword := range slices.Sorted(maps.Keys(schema)) {
		switch value := schema[keyword]; keyword {
		case "$ref":
			words = append(words, "is "+schemaName(value))
		case "type", "format":
			words = append(words, fmt.Sprint(value))
		case "properties":
			for name, property := range part(schema, keyword) {
				f.schema(where+"."+name, property)
			}
		case "items":
			f.schema(where+"[]", value)
		case "additionalProperties":
			f.schema(where+".*", value)
		case "allOf", "anyOf", "oneOf":
			f.alternatives(where, keyword, value)
		case "required", "enum":
			for _, entry := range list(value) {
				f[fmt.Sprintf("%s, %s %v", where, keyword, entry)] = ""
			}
		case "discriminator":
			for key, ref := range part(schema, keyword, "mapping") {
				f[fmt.Sprintf("%s, if %s is %s", where, part(schema, keyword)["propertyName"], key)] = schemaName(ref)
			}
		default:
			words = append(words, fmt.Sprintf("%s: %v", keyword, value))
		}
	}
	if text := strings.Join(words, " "); f[where] == "" {
		f[where] = text
	} else if text != "" {
		f[where] += " " + text
	}
}

// alternatives adds the schemas in a schema that combines others.
func (f factList) alternatives(where, keyword string, value any) {
	for _, entry := range list(value) {
		entry, _ := entry.(object)
		if name := schemaName(entry["$ref"]); name != "" {
			f[fmt.Sprintf("%s, %s %s", where, keyword, name)] = ""
			continue
		}
		f.schema(where, entry)
	}
}

// keyName matches the names of properties that can contain an access key or its secret.
var keyName = regexp.MustCompile(`access_?key|secret_?key|aws_access`)

// keyProperties lists every property of a document, in use or not, that can contain an access key or its secret.
func keyProperties(document object) []string {
	found := map[string]bool{}
	for name, schema := range part(document, "components", "schemas") {
		findKeys(name, schema, found)
	}
	eachOperation(document, func(path, method string, _, operation object) {
		findKeys(strings.ToUpper(method)+" "+path, operation, found)
	})
	return slices.Sorted(maps.Keys(found))
}

func findKeys(where string, value any, found map[string]bool) {
	switch value := value.(type) {
	case []any:
		for _, entry := range value {
			findKeys(where, entry, found)
		}
	case object:
		for name, property := range part(value, "properties") {
			if keyName.MatchString(strings.ToLower(name)) {
				found[where+"."+name] = true
			}
			findKeys(where+"."+name, property, found)
		}
		for keyword, entry := range value {
			if keyword != "properties" {
				findKeys(where, entry, found)
			}
		}
	}
}
