package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

const (
	organizationPath = "/organization/" + showcaseID
	registryPath     = organizationPath + "/containerRegistry/" + showcaseID
	credentialsPath  = organizationPath + "/aws/credentials/" + showcaseID
	deployPath       = organizationPath + "/cluster/" + showcaseID + "/deploy"
	organization     = `"id":"` + showcaseID + `","created_at":"2027-01-04T09:00:00Z","plan":"TEAM_2025"`
	registry         = `"id":"` + showcaseID + `","created_at":"2027-01-04T09:00:00Z","name":"images","kind":"ECR"`
	status           = `"cluster_id":"` + showcaseID + `","is_deployed":true,"reason":"UNSPECIFIED"`
	deployed         = `{` + status + `,"status":"DEPLOYED"}`
	credentials      = `"id":"` + showcaseID + `","name":"production","object_type":"AWS"`
)

// exchange is a request and its answer.
type exchange struct {
	method, path, sent string
	// read is the answer to an earlier GET of the same path.
	read   string
	token  string
	status int
	answer string
}

// RoundTrip implements [http.RoundTripper].
func (e exchange) RoundTrip(req *http.Request) (*http.Response, error) {
	answer, status := e.answer, cmp.Or(e.status, http.StatusOK)
	if e.read != "" && req.Method == http.MethodGet {
		answer, status = e.read, http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)),
	}, nil
}

// reports runs an exchange and returns what the guard reports.
func (e exchange) reports(t *testing.T) string {
	t.Helper()
	var reports []string
	g := newGuard(t, e, func(format string, args ...any) { reports = append(reports, fmt.Sprintf(format, args...)) })
	methods := []string{cmp.Or(e.method, http.MethodGet)}
	if e.read != "" {
		methods = append([]string{http.MethodGet}, methods...)
	}
	for _, method := range methods {
		var body io.Reader
		if method != http.MethodGet && e.sent != "" {
			body = strings.NewReader(e.sent)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+e.path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", cmp.Or(e.token, "Token token"))
		req.Header.Set("Content-Type", "application/json")
		resp, err := g.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(reports, "\n")
}

func answering(path, answer string) exchange { return exchange{path: path, answer: answer} }

// putting returns an update of a registry.
func putting(sent string) exchange {
	return exchange{method: http.MethodPut, path: registryPath, sent: sent, answer: "{" + registry + "}"}
}

// afterReading returns an update of a registry that was read before.
func afterReading(read, sent string) exchange {
	e := putting(sent)
	e.read = "{" + registry + read + "}"
	return e
}

// TestGuard checks what the guard reports, and that it reports nothing else.
func TestGuard(t *testing.T) {
	for name, test := range map[string]struct {
		exchange
		want string
	}{
		"as described":      {answering(organizationPath, `{`+organization+`,"name":"acme"}`), ""},
		"null where it may": {answering(organizationPath, `{`+organization+`,"name":"acme","billing_deployment_restriction":null}`), ""},
		"an opaque field":   {answering(organizationPath+"/cluster", `{"results":[{`+cluster(`,"features":[{"x":1}]`)+`}]}`), ""},

		"answer with a wrong type":       {answering(organizationPath, `{`+organization+`,"name":1}`), "name: value must be a string"},
		"answer with null":               {answering(organizationPath, `{`+organization+`,"name":null}`), "Value is not nullable"},
		"answer without a field":         {answering(organizationPath, `{`+organization+`}`), `property "name" is missing`},
		"answer with an unknown field":   {answering(organizationPath, `{`+organization+`,"name":"acme","x":1}`), "answer: field .x is not described"},
		"answer with an unknown value":   {answering(organizationPath+"/cluster/status", statuses("X")), "results.0.status: value is not one of"},
		"answer with a bad id":           {answering(registryPath, `{"id":"1","created_at":"2027-01-04T09:00:00Z"}`), `format "uuid"`},
		"answer with a bad time":         {answering(registryPath, `{"id":"`+showcaseID+`","created_at":"yesterday"}`), `format "date-time"`},
		"answer with an unknown subtype": {answering(credentialsPath, `{`+strings.Replace(credentials, `"AWS"`, `"X"`, 1)+`}`), "object_type"},
		"answer that is a list":          {answering(organizationPath, `[]`), "value must be an object"},
		"answer that is no JSON":         {answering(organizationPath, `oops`), "failed to decode response body"},
		"answer that shows a secret": {
			answering(credentialsPath, `{`+credentials+`,"access_key_id":"A","secret_access_key":"S"}`), "field .secret_access_key is not described",
		},
		"field of another subtype": {
			answering(credentialsPath, `{`+credentials+`,"access_key_id":"A","vsphere_user":"ada"}`), "field .vsphere_user is not described",
		},
		"unknown field deep inside": {
			answering(organizationPath+"/containerRegistry", `{"results":[{`+registry+`,"config":{"region":"r","x":1}}]}`),
			"field .results[0].config.x is not described",
		},
		"success that is not described": {exchange{path: organizationPath, status: http.StatusAccepted}, "status is not supported"},

		"update":                       {putting(update(`"region":"eu-west-3"`)), ""},
		"update with a wrong type":     {putting(update(`"region":3`)), "config.region: value must be a string"},
		"update with an unknown field": {putting(update(`"x":1`)), "request: field .config.x is not described"},
		"update without a field":       {putting(`{"name":"images","kind":"ECR"}`), `property "config" is missing`},
		"update without a body":        {putting(""), "request body has an error"},
		"update that is complete":      {afterReading(`,"config":{"region":"r","access_key_id":"A"}`, update(`"region":"r","access_key_id":"B"`)), ""},
		"update that loses a field":    {afterReading(`,"url":"https://example.com"`, update("")), "field .url is lost"},
		"update that loses a field deep inside": {
			afterReading(`,"config":{"region":"r","access_key_id":"A"}`, update(`"access_key_id":"B"`)), "field .config.region is lost",
		},
		"update that changes a field": {afterReading(`,"config":{"region":"r"}`, update(`"region":"s"`)), "field .config.region was r and becomes s"},
		"update that loses the key":   {afterReading(`,"config":{"access_key_id":"A"}`, update("")), "field .config.access_key_id is lost"},

		"unknown query parameter": {answering(organizationPath+"?x=1", `{`+organization+`,"name":"acme"}`), "query parameter x is not described"},
		"query parameter with a wrong type": {
			exchange{method: http.MethodPost, path: deployPath + "?dry_run=perhaps", status: http.StatusCreated, answer: deployed}, "dry_run",
		},
		"query parameter": {exchange{method: http.MethodPost, path: deployPath + "?dry_run=true", status: http.StatusCreated, answer: deployed}, ""},
		"bad id in the path": {
			answering("/organization/acme", `{`+organization+`,"name":"acme"}`), `parameter "organizationId" in path has an error`,
		},
		"unknown path":   {answering("/nothing", `{}`), "GET /nothing: no matching operation was found"},
		"unknown method": {exchange{method: http.MethodDelete, path: registryPath}, "DELETE " + registryPath},
		"no token": {
			exchange{path: organizationPath, token: "Bearer token", answer: `{` + organization + `,"name":"acme"}`}, "no token",
		},

		"exempted state":  {answering(organizationPath+"/cluster/status", statuses("INTERNAL_ERROR")), ""},
		"exempted status": {exchange{method: http.MethodPost, path: deployPath, status: http.StatusConflict, answer: `{}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.reports(t); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("reported %q, want %q", got, test.want)
			}
		})
	}
}

func statuses(state string) string { return `{"results":[{` + status + `,"status":"` + state + `"}]}` }

func update(config string) string { return `{"name":"images","kind":"ECR","config":{` + config + `}}` }

func cluster(more string) string {
	return `"id":"` + showcaseID + `","created_at":"2027-01-04T09:00:00Z","organization":{"id":"` + showcaseID +
		`"},"name":"prod","region":"eu-west-3","cloud_provider":"AWS"` + more
}
