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

// Correct answers of the simulator that Qovery's description does not have.
var (
	// undescribedStates replaces real states of a cluster that are not in ClusterStateEnum by described ones.
	undescribedStates = strings.NewReplacer(
		`"status":"INTERNAL_ERROR"`, `"status":"DEPLOYMENT_ERROR"`, // Qovery's command-line client knows it.
	)
	// undescribedStatuses are the statuses that any operation may return.
	undescribedStatuses = []int{
		http.StatusConflict,            // A cluster is busy.
		http.StatusTooManyRequests,     // Qovery documents its limit elsewhere.
		http.StatusInternalServerError, // Any server may return it.
		http.StatusBadGateway,          // A gateway in front of the API may return it.
	}
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// checkURI accepts only absolute URIs. [url.Parse] accepts nearly every text.
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

// guard is a transport that reports every request and answer that differs from the description.
type guard struct {
	next   http.RoundTripper
	router routers.Router
	report func(format string, args ...any)

	mu sync.Mutex
	// seen counts the successes by operationId.
	seen map[string]int
	// shown has the last answer by path.
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

// readAll reads a body and replaces it by a copy.
func readAll(body *io.ReadCloser) ([]byte, error) {
	if *body == nil {
		return nil, nil
	}
	content, err := io.ReadAll(*body)
	*body = io.NopCloser(bytes.NewReader(content))
	return content, err
}

// checkRequest checks a request. It returns nil if its operation is not described, so that the answer cannot be checked.
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

// explain describes an error without the schema and the value, which may be large. It returns "" if the error wraps another
// one.
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

// checkBody checks what openapi3filter does not check: that a request has only described fields, and that it loses none of
// the fields that were read before.
func (g *guard) checkBody(route *routers.Route, path string, sent []byte) {
	var body object
	if json.Unmarshal(sent, &body) != nil {
		return // already reported
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

// schemaOf returns the schema of the JSON in a request or an answer.
func schemaOf(content openapi3.Content) *openapi3.Schema {
	return content.Get("application/json").Schema.Value
}
