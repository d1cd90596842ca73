package simulator

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// The operations of Qovery's API, as [Request.Operation] names them.
const (
	OpGetOrganization        = "GET /organization/{org}"
	OpListCredentials        = "GET /organization/{org}/credentials"
	OpListAWSCredentials     = "GET /organization/{org}/aws/credentials"
	OpGetAWSCredentials      = "GET /organization/{org}/aws/credentials/{credentials}"
	OpEditAWSCredentials     = "PUT /organization/{org}/aws/credentials/{credentials}"
	OpListClusters           = "GET /organization/{org}/cluster"
	OpListClusterStatuses    = "GET /organization/{org}/cluster/status"
	OpGetClusterStatus       = "GET /organization/{org}/cluster/{cluster}/status"
	OpListClusterLogs        = "GET /organization/{org}/cluster/{cluster}/logs"
	OpDeployCluster          = "POST /organization/{org}/cluster/{cluster}/deploy"
	OpGetClusterDNSProvider  = "GET /cluster/{cluster}/dnsProvider"
	OpEditClusterDNSProvider = "PUT /cluster/{cluster}/dnsProvider"
	OpListProjects           = "GET /organization/{org}/project"
	OpListEnvironments       = "GET /project/{project}/environment/overview"
	OpListDeployments        = "GET /environment/{environment}/deploymentHistoryV2"
	OpListEvents             = "GET /organization/{org}/events"
	OpListRegistries         = "GET /organization/{org}/containerRegistry"
	OpGetRegistry            = "GET /organization/{org}/containerRegistry/{registry}"
	OpEditRegistry           = "PUT /organization/{org}/containerRegistry/{registry}"
	OpListHelmRepositories   = "GET /organization/{org}/helmRepository"
	OpGetHelmRepository      = "GET /organization/{org}/helmRepository/{repository}"
	OpEditHelmRepository     = "PUT /organization/{org}/helmRepository/{repository}"
)

// object is a JSON object.
type object = map[string]any

// refusal is an error of Qovery's API.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// qoveryHandler returns the handler of Qovery's API. The router handles a request twice: first to find the name of the
// operation, and then, with the world locked, to carry it out.
func (w *World) qoveryHandler() http.Handler {
	mux := http.NewServeMux()
	route(w, mux, "org", w.organizations, map[string]func(*http.Request, *Organization) (any, error){
		OpGetOrganization:      w.getOrganization,
		OpListCredentials:      w.listCredentials,
		OpListAWSCredentials:   w.listAWSCredentials,
		OpGetAWSCredentials:    w.getAWSCredentials,
		OpEditAWSCredentials:   w.editAWSCredentials,
		OpListClusters:         w.listClusters,
		OpListClusterStatuses:  w.listClusterStatuses,
		OpGetClusterStatus:     w.getClusterStatus,
		OpListClusterLogs:      w.listClusterLogs,
		OpDeployCluster:        w.deployCluster,
		OpListProjects:         w.listProjects,
		OpListEvents:           w.listEvents,
		OpListRegistries:       w.listRegistries,
		OpGetRegistry:          w.getRegistry,
		OpEditRegistry:         w.editRegistry,
		OpListHelmRepositories: w.listHelmRepositories,
		OpGetHelmRepository:    w.getHelmRepository,
		OpEditHelmRepository:   w.editHelmRepository,
	})
	route(w, mux, "cluster", w.clusters, map[string]func(*http.Request, *Cluster) (any, error){
		OpGetClusterDNSProvider:  w.getClusterDNSProvider,
		OpEditClusterDNSProvider: w.editClusterDNSProvider,
	})
	route(w, mux, "project", w.projects, map[string]func(*http.Request, *Project) (any, error){
		OpListEnvironments: w.listEnvironments,
	})
	route(w, mux, "environment", w.environments, map[string]func(*http.Request, *Environment) (any, error){
		OpListDeployments: w.listDeployments,
	})
	mux.HandleFunc("/", w.operation(func(r *http.Request) (any, error) {
		return nil, refuse(http.StatusNotFound, "No such operation: %s %s", r.Method, r.URL.Path)
	}))
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { w.serveQovery(rw, r, mux) })
}

// route adds the operations whose path begins with the id of an object of one kind.
func route[T any](
	w *World, mux *http.ServeMux, kind string, objects map[string]*T, operations map[string]func(*http.Request, *T) (any, error),
) {
	for pattern, operation := range operations {
		mux.HandleFunc(pattern, w.operation(func(r *http.Request) (any, error) {
			o, ok := objects[r.PathValue(kind)]
			if !ok {
				return nil, refuse(http.StatusNotFound, "No %s %s", kind, r.PathValue(kind))
			}
			return operation(r, o)
		}))
	}
}

func (w *World) serveQovery(rw http.ResponseWriter, r *http.Request, mux *http.ServeMux) {
	body := readBody(rw, r)
	_, operation := mux.Handler(r)
	if operation == "/" {
		operation = r.Method + " " + r.URL.Path
	}
	request := &Request{
		API: APIQovery, Operation: operation, Path: r.URL.Path, AccessKeyID: accessKeyIDIn(body),
		Mutating: r.Method != http.MethodGet,
	}
	requestID := newUUID()
	w.run(exchange{
		rw: rw, r: r, request: request,
		carryOut: func(rw http.ResponseWriter) {
			if err := cmp.Or(w.spend(rw.Header()), w.authorize(r, operation)); err != nil {
				w.writeRefusal(rw, r, err)
				return
			}
			mux.ServeHTTP(rw, r)
		},
		refuse: func(rw http.ResponseWriter, status int) {
			w.writeRefusal(rw, r, refuse(status, "%s", http.StatusText(status)))
		},
		stamp: func(header http.Header) {
			header.Set("Date", w.qoveryNow().UTC().Format(http.TimeFormat))
			header.Set("X-Request-Id", requestID)
			w.stampBudget(header)
		},
	})
}

// operation returns the handler of an operation. The status of a success is 201 for POST, and 200 otherwise.
func (w *World) operation(f func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		result, err := f(r)
		if err != nil {
			w.writeRefusal(rw, r, err)
			return
		}
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusCreated
		}
		writeJSON(rw, status, result)
	}
}

func (w *World) writeRefusal(rw http.ResponseWriter, r *http.Request, err error) {
	reason := &refusal{status: http.StatusInternalServerError, message: err.Error()}
	errors.As(err, &reason)
	status := w.statusFor(r, reason.status)
	writeJSON(rw, status, object{
		"timestamp": jsonTime(w.qoveryNow()),
		"status":    status,
		"error":     http.StatusText(status),
		"message":   reason.message,
		"path":      r.URL.Path,
	})
}

func writeJSON(rw http.ResponseWriter, status int, value any) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(value)
}

// results returns Qovery's answer with a list.
func results(list []any) any {
	if list == nil {
		list = []any{}
	}
	return object{"results": list}
}

func jsonTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
