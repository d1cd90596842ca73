package main

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
)

const (
	showcaseID     = "5b6fd62a-94a5-4c7f-9d3b-2b1a6c9e0f11"
	showcaseOldKey = "AKIAIOSFODNN7EXAMPLE"
	showcaseNewKey = "AKIAI44QH8DHBEXAMPLE"
)

// showcase is an API whose answers have every described field, including rare ones. Of several alternatives it returns the
// one with a static access key.
type showcase struct{ router routers.Router }

// RoundTrip implements [http.RoundTripper].
func (s showcase) RoundTrip(req *http.Request) (*http.Response, error) {
	route, _, err := s.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	status := slices.Min(slices.Collect(maps.Keys(route.Operation.Responses.Map()))) // 200 or 201
	code, err := strconv.Atoi(status)
	if err != nil {
		return nil, err
	}
	key := showcaseOldKey
	if req.Method == http.MethodPut {
		key = showcaseNewKey
	}
	body, err := json.Marshal(sample(schemaOf(route.Operation.Responses.Value(status).Value.Content), key))
	return &http.Response{
		StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, err
}

// sample returns a value with every field of its schema, except those that are never shown.
func sample(schema *openapi3.Schema, key string) any {
	switch {
	case len(schema.Enum) > 0:
		return schema.Enum[0]
	case len(schema.OneOf) > 0:
		return sample(static(schema), key)
	case schema.Type.Is(openapi3.TypeArray):
		return []any{sample(schema.Items.Value, key)}
	case schema.Type.Is(openapi3.TypeInteger), schema.Type.Is(openapi3.TypeNumber):
		return max(1, valueOf(schema.Min))
	case schema.Type.Is(openapi3.TypeBoolean):
		return true
	case schema.Type.Is(openapi3.TypeString):
		return sampleText(schema.Format)
	}
	whole := object{}
	for _, part := range schema.AllOf {
		inner, ok := sample(part.Value, key).(object)
		if !ok {
			return sample(part.Value, key)
		}
		maps.Copy(whole, inner)
	}
	for name, field := range schema.Properties {
		if !field.Value.WriteOnly {
			whole[name] = sample(field.Value, key)
		}
		if slices.Contains(accessKeyFields, name) {
			whole[name] = key
		}
	}
	return whole
}

// static returns the alternative with a static access key, if there is one.
func static(schema *openapi3.Schema) *openapi3.Schema {
	for _, kind := range []string{"AWS", "STATIC", "ROUTE53", "AWS_STATIC_CREDENTIALS"} {
		if schema.Discriminator == nil || schema.Discriminator.Mapping[kind].Ref == "" {
			continue
		}
		if found := alternatives(schema, object{schema.Discriminator.PropertyName: kind}); len(found) == 1 {
			return found[0].Value
		}
	}
	return schema.OneOf[0].Value
}

func sampleText(format string) string {
	switch format {
	case "uuid":
		return showcaseID
	case "date-time":
		return "2027-01-04T09:00:00Z"
	case "email":
		return "ada@example.com"
	case "duration":
		return "PT1M"
	}
	// A URL is valid for every text field. Some fields must be URLs although their schemas do not require it.
	return "https://example.com"
}

func valueOf(number *float64) float64 {
	if number == nil {
		return 0
	}
	return *number
}
