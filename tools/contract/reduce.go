package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// inUse are the operations that the provider calls, by Qovery's operationId.
var inUse = []string{
	"deployCluster",
	"editAWSCredentials",
	"editClusterDnsProvider",
	"editContainerRegistry",
	"editHelmRepository",
	"getAWSCredentials",
	"getClusterDnsProvider",
	"getContainerRegistry",
	"getHelmRepository",
	"getOrganization",
	"getOrganizationClusterStatus",
	"getOrganizationEvents",
	"getProjectEnvironmentsOverview",
	"listClusterLogs",
	"listContainerRegistry",
	"listEnvironmentDeploymentHistoryV2",
	"listHelmRepository",
	"listOrganizationCluster",
	"listOrganizationCredentials",
	"listProject",
}

// keywords are the keywords of a schema that describe data. All others are prose.
var keywords = []string{
	"$ref", "additionalProperties", "allOf", "anyOf", "discriminator", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
	"items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "not", "nullable", "oneOf", "pattern",
	"properties", "readOnly", "required", "type", "uniqueItems", "writeOnly",
}

// opaque are properties whose content is omitted. Nothing in them is read or sent, and they change often.
var opaque = []string{
	"Cluster.features",
	"Cluster.infrastructure_charts_parameters",
	"Cluster.infrastructure_outputs",
	"Cluster.metrics_parameters",
	"DeploymentHistoryEnvironmentV2.stages",
	"EnvironmentStatus.metrics",
}

// reduction is the reduction of a document to some operations.
type reduction struct {
	source  object
	schemas object
}

// reduce reduces a document to the facts about some operations. Parameters and answers are resolved, and schemas keep their
// names.
func reduce(source object, operations []string) object {
	r := reduction{source: source, schemas: object{}}
	paths := object{}
	eachOperation(source, func(path, method string, item, operation object) {
		if id, _ := operation["operationId"].(string); !slices.Contains(operations, id) {
			return
		}
		if paths[path] == nil {
			paths[path] = object{}
		}
		part(paths, path)[method] = r.operation(item, operation)
	})
	return object{
		"openapi": source["openapi"],
		"info":    object{"title": "The operations of Qovery's API that the provider uses", "version": part(source, "info")["version"]},
		"paths":   paths,
		"components": object{
			"schemas":         r.schemas,
			"securitySchemes": object{"token": object{"type": "apiKey", "in": "header", "name": "Authorization"}},
		},
		"security": []any{object{"token": []any{}}},
	}
}

func (r *reduction) operation(item, operation object) object {
	reduced := object{"operationId": operation["operationId"]}
	var parameters []any
	for _, entry := range slices.Concat(list(item["parameters"]), list(operation["parameters"])) {
		parameter := resolve(r.source, entry)
		kept := object{"name": parameter["name"], "in": parameter["in"], "schema": r.schema("", parameter["schema"])}
		if parameter["required"] == true {
			kept["required"] = true
		}
		parameters = append(parameters, kept)
	}
	if parameters != nil {
		reduced["parameters"] = parameters
	}
	if body := resolve(r.source, operation["requestBody"]); body != nil {
		// If the body were optional, a request without one would pass the check.
		reduced["requestBody"] = object{"required": true, "content": r.content(body)}
	}
	responses := object{}
	for status, response := range part(operation, "responses") {
		code, _ := strconv.Atoi(status)
		responses[status] = object{"description": http.StatusText(code)}
		if content := r.content(resolve(r.source, response)); content != nil {
			part(responses, status)["content"] = content
		}
	}
	reduced["responses"] = responses
	return reduced
}

// content keeps the JSON of a request or an answer.
func (r *reduction) content(carrier object) object {
	const mediaType = "application/json"
	media := part(carrier, "content", mediaType)
	if media == nil {
		return nil
	}
	return object{mediaType: object{"schema": r.schema("", media["schema"])}}
}

// schema keeps the keywords of the schema with the given name, and adds the schemas that it refers to.
func (r *reduction) schema(name string, value any) any {
	switch value := value.(type) {
	case []any:
		parts := make([]any, len(value))
		for i, v := range value {
			parts[i] = r.schema(name, v)
		}
		return parts
	case object:
		kept := object{}
		for _, keyword := range keywords {
			if v, ok := value[keyword]; ok {
				kept[keyword] = r.keyword(name, keyword, v)
			}
		}
		return kept
	}
	return value
}

func (r *reduction) keyword(name, keyword string, value any) any {
	switch keyword {
	case "$ref":
		r.add(schemaName(value))
	case "properties":
		properties := object{}
		for property, schema := range part(object{keyword: value}, keyword) {
			if slices.Contains(opaque, name+"."+property) {
				schema = object{}
			}
			properties[property] = r.schema(name+"."+property, schema)
		}
		return properties
	case "allOf", "anyOf", "oneOf", "not", "items", "additionalProperties":
		return r.schema(name, value)
	case "discriminator":
		for _, ref := range part(object{keyword: value}, keyword, "mapping") {
			r.add(schemaName(ref))
		}
	}
	return value
}

// add adds a named schema once.
func (r *reduction) add(name string) {
	if _, ok := r.schemas[name]; ok || name == "" {
		return
	}
	r.schemas[name] = object{} // ends the recursion for a schema that contains itself
	r.schemas[name] = r.schema(name, part(r.source, "components", "schemas", name))
}

// missing lists the operations that a document does not have.
func missing(document object, operations []string) []string {
	found := map[string]bool{}
	eachOperation(document, func(_, _ string, _, operation object) { found[fmt.Sprint(operation["operationId"])] = true })
	return slices.DeleteFunc(slices.Clone(operations), func(id string) bool { return found[id] })
}
