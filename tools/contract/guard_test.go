package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
)

// Answers of the simulator that Qovery's description does not have, and that are right nevertheless.
var (
	// undescribedStates are states of a cluster that are real but not in ClusterStateEnum; each is taken for the state behind it.
	undescribedStates = strings.NewReplacer(
		`"status":"INTERNAL_ERROR"`, `"status":"DEPLOYMENT_ERROR"`, // Qovery's command-line client knows it.
	)
	// undescribedStatuses are answers to any operation.
	undescribedStatuses = []int{
		http.StatusConflict,            // A cluster is busy.
		http.StatusTooManyRequests,     // Qovery documents its limit beside the description.
		http.StatusInternalServerError, // Every server has it.
		http.StatusBadGateway,          // A gateway before the API has it.
	}
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkURI is stricter than [url.Parse], which accepts nearly every text.
func checkURI(text string) error {
	if u, err := url.Parse(text); err != nil || u.Scheme == "" || u.Host == "" {
		return errors.New("not an absolute URI")
	}
	return nil
}

// newRouter loads the description.
func newRouter(t *testing.T) routers.Router {
	t.Helper()
	description, err := openapi3.NewLoader().LoadFromFile(descriptionFile)
	if err != nil {
		t.Fatal(err)
	}
	description.SetStringFormatValidator("uuid", openapi3.NewRegexpFormatValidator(uuid.String()))
	description.SetStringFormatValidator("uri", openapi3.NewCallbackValidator(checkURI))
	router, err := legacy.NewRouter(description)
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// guard is a transport that reports every request and answer that is not as described.
type guard struct {
	next   http.RoundTripper
	router routers.Router
	report func(format string, args ...any)

	mu sync.Mutex
	// seen counts the successes by operationId.
	seen map[string]int
	// shown is what was last read from a path.
	shown map[string]object
}

func newGuard(t *testing.T, next http.RoundTripper, report func(format string, args ...any)) *guard {
	t.Helper()
	return &guard{next: next, router: newRouter(t), report: report, seen: map[string]int{}, shown: map[string]object{}}
}

// RoundTrip implements [http.RoundTripper].
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	sent, err := readAll(&req.Body)
	if err != nil {
		return nil, err
	}
	input := g.checkRequest(req, sent)
	resp, err := g.next.RoundTrip(req)
	if err != nil || input == nil {
		return resp, err
	}
	answered, err := readAll(&resp.Body)
	if err != nil {
		return nil, err
	}
	g.checkAnswer(input, resp, answered)
	return resp, nil
}

// readAll reads a body and leaves a copy for the next reader.
func readAll(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(*body)
	*body = io.NopCloser(bytes.NewReader(content))
	return content, err
}

// checkRequest returns nil if nothing is described that an answer could be compared with.
func (g *guard) checkRequest(req *http.Request, sent []byte) *openapi3filter.RequestValidationInput {
	route, pathParams, err := g.router.FindRoute(req)
	if err != nil {
		g.report("%s %s: %s", req.Method, req.URL.Path, err)
		return nil
	}
	input := &openapi3filter.RequestValidationInput{
		Request:    req.Clone(req.Context()),
		PathParams: pathParams,
		Route:      route,
		Options: &openapi3filter.Options{
			MultiError: true, SkipSettingDefaults: true, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true,
			AuthenticationFunc: checkToken, SchemaValidationOptions: route.Spec.GetSchemaValidationOptions(),
		},
	}
	input.Options.WithCustomSchemaErrorFunc(explain)
	input.Request.Body = io.NopCloser(bytes.NewReader(sent))
	operation := route.Operation
	if err := openapi3filter.ValidateRequest(req.Context(), input); err != nil {
		g.report("%s: request: %s", operation.OperationID, err)
	}
	for _, name := range slices.Sorted(maps.Keys(req.URL.Query())) {
		if operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			g.report("%s: request: query parameter %s is not described", operation.OperationID, name)
		}
	}
	if operation.RequestBody != nil {
		g.checkBody(route, req.URL.Path, sent)
	}
	return input
}

// explain leaves out the schema and the value, which may be large, of an error that has no other one behind it.
func explain(err *openapi3.SchemaError) string {
	if err.Origin != nil {
		return ""
	}
	return fmt.Sprintf("%s: %s", strings.Join(err.JSONPointer(), "."), err.Reason)
}

func checkToken(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	if header := input.RequestValidationInput.Request.Header.Get("Authorization"); !strings.HasPrefix(header, "Token ") {
		return input.NewError(errors.New("no token"))
	}
	return nil
}

// checkBody checks what openapi3filter does not: the fields of a request are described, and what was read before and is
// accepted goes back.
func (g *guard) checkBody(route *routers.Route, path string, sent []byte) {
	var body object
	if json.Unmarshal(sent, &body) != nil {
		return // It was reported already.
	}
	schema := schemaOf(route.Operation.RequestBody.Value.Content)
	for _, field := range undescribed(schema, body, "") {
		g.report("%s: request: field %s is not described", route.Operation.OperationID, field)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, loss := range losses(schema, g.shown[path], body, "") {
		g.report("%s: request: %s", route.Operation.OperationID, loss)
	}
}

func (g *guard) checkAnswer(input *openapi3filter.RequestValidationInput, resp *http.Response, answered []byte) {
	operation := input.Route.Operation
	if slices.Contains(undescribedStatuses, resp.StatusCode) {
		return
	}
	err := openapi3filter.ValidateResponse(input.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: input.Options,
		Body: io.NopCloser(strings.NewReader(undescribedStates.Replace(string(answered)))),
	})
	if err != nil {
		g.report("%s: answer %d: %s", operation.OperationID, resp.StatusCode, err)
		return
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return
	}
	var body object
	if err := json.Unmarshal(answered, &body); err != nil {
		g.report("%s: answer: %s", operation.OperationID, err)
	}
	for _, field := range undescribed(schemaOf(operation.Responses.Status(resp.StatusCode).Value.Content), body, "") {
		g.report("%s: answer: field %s is not described", operation.OperationID, field)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.seen[operation.OperationID]++
	if input.Request.Method == http.MethodGet {
		g.shown[input.Request.URL.Path] = body
	}
}

// schemaOf is the schema of the JSON in a request or an answer.
func schemaOf(content openapi3.Content) *openapi3.Schema {
	return content.Get("application/json").Schema.Value
}
