package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"
)

// published is a small document with one operation in use and one that is not.
const published = `
openapi: 3.0.0
info: {title: An API, version: 1.0.0, description: prose}
paths:
  /things/{id}:
    parameters:
    - $ref: '#/components/parameters/id'
    put:
      operationId: editThing
      summary: prose
      parameters:
      - {name: dry_run, in: query, description: prose, schema: {type: boolean}}
      requestBody:
        content: {application/json: {schema: {$ref: '#/components/schemas/ThingRequest'}}}
      responses:
        200: {description: prose, content: {application/json: {schema: {$ref: '#/components/schemas/Thing'}}}}
        '404': {$ref: '#/components/responses/404'}
    get:
      operationId: getThing
      responses: {'200': {content: {application/json: {schema: {$ref: '#/components/schemas/Unused'}}}}}
components:
  parameters:
    id: {name: id, in: path, required: true, schema: {type: string, format: uuid}}
  responses:
    '404': {description: prose}
  schemas:
    Base: {type: object, required: [id], properties: {id: {type: string}}}
    Thing:
      allOf:
      - $ref: '#/components/schemas/Base'
      - type: object
        title: prose
        properties:
          kind: {type: string, enum: [BIG, SMALL], example: BIG}
          parts: {type: array, items: {$ref: '#/components/schemas/Thing'}}
          description: {type: string, nullable: true, description: prose}
    ThingRequest:
      oneOf: [{$ref: '#/components/schemas/KeyRequest'}]
      discriminator: {propertyName: type, mapping: {KEY: '#/components/schemas/KeyRequest'}}
    KeyRequest:
      type: object
      properties:
        config: {type: object, properties: {access_key_id: {type: string, minLength: 1}}}
    Unused: {properties: {items: {type: array, items: {properties: {secretKey: {type: string}}}}}}
`

func mustParse(t *testing.T, text string) object {
	t.Helper()
	document, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return document
}

func TestCompare(t *testing.T) {
	operations := []string{"editThing"}
	description := reduce(mustParse(t, published), operations)
	keys := keyProperties(mustParse(t, published))
	for name, test := range map[string]struct {
		old, replacement string
		want             string
	}{
		"nothing":                  {"", "", ""},
		"prose":                    {"prose", "other prose", ""},
		"version":                  {"version: 1.0.0", "version: 1.0.1", ""},
		"another operation":        {"operationId: getThing", "operationId: readThing", ""},
		"operation":                {"operationId: editThing", "operationId: putThing", "Operations in use that are gone:\n  editThing\n"},
		"path":                     {"/things/{id}:", "/thing/{id}:", "added   PUT /thing/{id}: editThing"},
		"added field":              {"kind: {type", "size: {type: integer}\n          kind: {type", "added   Thing.size: integer"},
		"removed field":            {"config: {type: object, properties: {", "x: {type: object, properties: {", "removed KeyRequest.config: object"},
		"type":                     {"id: {type: string}}}", "id: {type: integer}}}", `changed Base.id: "string" is now "integer"`},
		"format":                   {"format: uuid", "format: uri", `changed PUT /things/{id}, path parameter id: "uuid string" is now "uri string"`},
		"nullable":                 {"nullable: true, ", "", `changed Thing.description: "nullable: true string" is now "string"`},
		"limit":                    {"minLength: 1", "minLength: 2", "changed KeyRequest.config.access_key_id: "},
		"added value":              {"[BIG, SMALL]", "[BIG, SMALL, HUGE]", "added   Thing.kind, enum HUGE"},
		"removed value":            {"[BIG, SMALL]", "[BIG]", "removed Thing.kind, enum SMALL"},
		"field that gets required": {"required: [id]", "required: [id, kind]", "added   Base, required kind"},
		"field that is optional":   {"required: [id], ", "", "removed Base, required id"},
		"query parameter":          {"name: dry_run", "name: dryRun", "added   PUT /things/{id}, query parameter dryRun: boolean"},
		"required parameter":       {"in: query,", "in: query, required: true,", "added   PUT /things/{id}, query parameter dry_run, required"},
		"answer":                   {"        200: {", "        201: {", "added   PUT /things/{id}, answer 201: is Thing"},
		"subtype":                  {"mapping: {KEY:", "mapping: {STATIC:", "added   ThingRequest, if type is STATIC: KeyRequest"},
		"part":                     {"- $ref: '#/components/schemas/Base'", "- $ref: '#/components/schemas/Unused'", "added   Thing, allOf Unused"},
		"kind of item":             {"items: {$ref: '#/components/schemas/Thing'}", "items: {type: string}", "changed Thing.parts[]: "},
		"key that is not in use": {
			"secretKey: {type: string}", "secretKey: {type: string}, aws_access_key: {type: string}",
			"Changes in the properties with an access key or secret:\n  added   Unused.items.aws_access_key\n",
		},
		"key in a path": {
			"schema: {$ref: '#/components/schemas/Unused'}", "schema: {properties: {secret_access_key: {type: string}}}",
			"added   GET /things/{id}.secret_access_key",
		},
		"key that is gone": {"secretKey:", "hidden:", "removed Unused.items.secretKey"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(published, test.old) {
				t.Fatalf("the document has no %q", test.old)
			}
			changed := mustParse(t, strings.ReplaceAll(published, test.old, test.replacement))
			got := compare(description, changed, operations, keys)
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("reported\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestReduceLeavesNoProse(t *testing.T) {
	text := format(reduce(mustParse(t, published), []string{"editThing"}), "")
	for _, absent := range []string{"prose", "example", "Unused", "getThing"} {
		if strings.Contains(text, absent) {
			t.Errorf("the description has %q: %s", absent, text)
		}
	}
	if again := format(reduce(mustParse(t, text), []string{"editThing"}), ""); again != text {
		t.Errorf("reducing it again changes it into %s", again)
	}
}

func TestParseRefusesOtherDocuments(t *testing.T) {
	for _, text := range []string{"", "[]", "openapi: 3.0.0", "a: b: c"} {
		if _, err := parse([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// TestDescription checks that the description has the form that -update writes.
func TestDescription(t *testing.T) {
	description, err := read(descriptionFile)
	if err != nil {
		t.Fatal(err)
	}
	if lost := missing(description, inUse); len(lost) > 0 {
		t.Errorf("the description lacks %v", lost)
	}
	if text := format(reduce(description, inUse), "") + "\n"; text != readFile(t, descriptionFile) {
		t.Error("the description was edited by hand, or an operation is not in use")
	}
	known := strings.Fields(readFile(t, accessKeysFile))
	for _, property := range keyProperties(description) {
		if !slices.Contains(known, property) {
			t.Errorf("the access keys lack %s", property)
		}
	}
}

// TestTakeOver adopts a document, and compares it with others.
func TestTakeOver(t *testing.T) {
	text := readFile(t, descriptionFile)
	t.Chdir(t.TempDir())
	write(t, "old.json", text)
	write(t, "new.json", strings.ReplaceAll(text, "is_deployed", "deployed"))
	write(t, "foreign.yaml", published)
	if err := takeOver("old.json"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"old.json": "", "new.json": "added   ClusterStatus.deployed: boolean"} {
		var out strings.Builder
		changed, err := report(&out, path)
		if changed != (want != "") || !strings.Contains(out.String(), want) || err != nil {
			t.Errorf("%s: changed = %t, %v: %s", path, changed, err, out.String())
		}
	}
	for _, path := range []string{"foreign.yaml", "missing.yaml"} {
		if err := takeOver(path); err == nil {
			t.Errorf("%s was taken over", path)
		}
	}
	if _, err := report(io.Discard, "missing.yaml"); err == nil {
		t.Error("a missing document was compared")
	}
	if got := readFile(t, descriptionFile); got != text {
		t.Errorf("the description became %s", got)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
