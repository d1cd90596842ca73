package qovery

import (
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	projectsPath = "/organization/org/project"
	overviewPath = "/project/p1/environment/overview"
	historyPath  = "/environment/e1/deploymentHistoryV2"
)

// answers are the bodies of a fake API by path. Every other path is not found.
type answers map[string]string

func (a answers) serve(w http.ResponseWriter, r *http.Request) {
	if answer, ok := a[r.URL.Path]; ok {
		reply(200, answer)(w, r)
		return
	}
	reply(404, `{"message":"no such thing"}`)(w, r)
}

// oneEnvironment returns the answers for one environment with the given state and history.
func oneEnvironment(state, history string) answers {
	return answers{
		projectsPath: `{"results":[{"id":"p1","name":"shop"}]}`,
		overviewPath: `{"results":[{"id":"e1","name":"staging","cluster":{"id":"c1","name":"dev"},"deployment_status":{"state":"` + state + `"}}]}`,
		historyPath:  `{"results":[` + history + `]}`,
	}
}

func historyEntry(status, createdAt string) string {
	return `{"action_status":"` + status + `","auditing_data":{"created_at":"` + createdAt + `"}}`
}

func TestRunningDeployments(t *testing.T) {
	api := newFakeAPI(t, answers{
		projectsPath: `{"results":[{"id":"p1","name":"shop","associated_environments_count":4,"new_field":1},{"id":"p2","name":"empty"}]}`,
		overviewPath: `{"results":[
			{"id":"e1","name":"staging","mode":"STAGING","cluster":{"id":"c1","name":"dev","cloud_provider":"AWS"},
			 "deployment_status":{"id":"e1","state":"DEPLOYING","last_deployment_state":"DEPLOYED","last_deployment_id":"x"}},
			{"id":"e2","name":"at rest","cluster":{"id":"c1","name":"dev"},"deployment_status":{"state":"DEPLOYED"}},
			{"id":"e3","name":"new","cluster":{"id":"c1","name":"dev"},"deployment_status":null},
			{"id":"e4","name":"later","cluster":{"id":"c2","name":"prod"},"deployment_status":{"state":"HIBERNATING"}}]}`,
		historyPath: `{"page":1,"page_size":20,"results":[
			{"identifier":{"execution_id":"x"},"action_status":"QUEUED","auditing_data":{"created_at":"2026-01-01T03:00:00Z"}},
			{"identifier":{"execution_id":"y"},"action_status":"ONGOING","auditing_data":{"created_at":"2026-01-01T02:00:00.5Z"}},
			{"identifier":{"execution_id":"z"},"action_status":"SUCCESS","auditing_data":{"created_at":"2026-01-01T01:00:00Z"}}]}`,
		"/environment/e4/deploymentHistoryV2": `{"results":[]}`,
		"/project/p2/environment/overview":    `{"results":[]}`,
	}.serve)
	got, err := api.client(t).RunningDeployments(t.Context(), "org")
	if err != nil {
		t.Fatal(err)
	}
	want := []rotation.EnvironmentDeployment{
		{
			EnvironmentID: "e1", Environment: "staging", Project: "shop", ClusterID: "c1", ClusterName: "dev", State: "DEPLOYING",
			AskedAt: time.Date(2026, time.January, 1, 2, 0, 0, 500_000_000, time.UTC),
		},
		{EnvironmentID: "e4", Environment: "later", Project: "shop", ClusterID: "c2", ClusterName: "prod", State: "HIBERNATING"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if n := len(api.requests()); n != 1+2+2 {
		t.Errorf("sent %d requests, want one, one for each project and one for each running environment", n)
	}
}

func TestEnvironmentStates(t *testing.T) {
	tests := map[bool][]string{
		false: {
			"BUILD_ERROR", "CANCELED", "DELETED", "DELETE_ERROR", "DEPLOYED", "DEPLOYMENT_ERROR", "INTERNAL_ERROR", "READY",
			"RESTARTED", "RESTART_ERROR", "STOPPED", "STOP_ERROR",
		},
		true: {
			"BUILDING", "CANCELING", "DELETE_QUEUED", "DELETING", "DEPLOYING", "DEPLOYMENT_QUEUED", "DRY_RUN", "EXECUTING", "NEW",
			"QUEUED", "RECAP", "RESTARTING", "RESTART_QUEUED", "STOPPING", "STOP_QUEUED", "UNAVAILABLE", "WAITING_DELETING",
			"WAITING_RESTARTING", "WAITING_RUNNING", "WAITING_STOPPING",
		},
	}
	for runs, states := range tests {
		for _, state := range states {
			api := newFakeAPI(t, oneEnvironment(state, historyEntry("ONGOING", "2026-01-01T00:00:00Z")).serve)
			got, err := api.client(t).RunningDeployments(t.Context(), "org")
			if err != nil || (len(got) == 1) != runs {
				t.Errorf("%s: got %+v, %v, running is %t", state, got, err, runs)
			}
		}
	}
}

func TestAskedAt(t *testing.T) {
	const early, late = "2026-01-01T01:00:00Z", "2026-01-01T02:00:00Z"
	tests := map[string]struct {
		history string
		// want is empty for an unknown time.
		want string
	}{
		"ongoing":                {historyEntry("ONGOING", late) + "," + historyEntry("SUCCESS", early), late},
		"canceling":              {historyEntry("CANCELING", late) + "," + historyEntry("ERROR", early), late},
		"status that is newer":   {historyEntry("PAUSED", late), late},
		"queued behind another":  {historyEntry("QUEUED", late) + "," + historyEntry("ONGOING", early), early},
		"others were called off": {historyEntry("CANCELED", late) + "," + historyEntry("NEVER", late) + "," + historyEntry("QUEUED", early), early},
		"of another zone":        {historyEntry("ONGOING", "2026-01-01T03:00:00+01:00"), late},
		"not in the history":     {historyEntry("SUCCESS", late), ""},
		"no history":             {"", ""},
		"more on another page":   {strings.TrimSuffix(strings.Repeat(historyEntry("QUEUED", late)+",", historySize), ","), ""},
		"malformed":              {historyEntry("ONGOING", "yesterday"), ""},
		"malformed among others": {historyEntry("QUEUED", late) + "," + historyEntry("ONGOING", ""), ""},
		"null":                   {`{"action_status":"ONGOING","auditing_data":{"created_at":null}}`, ""},
		"a number":               {`{"action_status":"ONGOING","auditing_data":{"created_at":1767229200}}`, ""},
		"missing":                {`{"action_status":"ONGOING","auditing_data":{}}`, ""},
		"no auditing data":       {`{"action_status":"ONGOING"}`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			api := newFakeAPI(t, oneEnvironment("DEPLOYING", test.history).serve)
			got, err := api.client(t).RunningDeployments(t.Context(), "org")
			if err != nil || len(got) != 1 {
				t.Fatalf("got %+v, %v", got, err)
			}
			text := ""
			if !got[0].AskedAt.IsZero() {
				text = got[0].AskedAt.UTC().Format(time.RFC3339)
			}
			if text != test.want {
				t.Errorf("asked at %q, want %q", text, test.want)
			}
		})
	}
}

func TestEnvironmentIsDeletedMeanwhile(t *testing.T) {
	gone := oneEnvironment("DELETING", "")
	delete(gone, historyPath)
	got, err := newFakeAPI(t, gone.serve).client(t).RunningDeployments(t.Context(), "org")
	if err != nil || len(got) != 1 || !got[0].AskedAt.IsZero() {
		t.Errorf("got %+v, %v, want one deployment of an unknown time", got, err)
	}
}

func TestIncompleteEnvironments(t *testing.T) {
	tests := map[string][]string{
		projectsPath: {
			``, `{}`, `[]`, `null`, `{"results":null}`, `{"results":{}}`, `{"results":[{}]}`, `{"results":[null]}`,
			`{"results":[{"id":1}]}`, `{"results":[{"id":"","name":"shop"}]}`,
		},
		overviewPath: {
			`{}`, `null`, `{"results":null}`, `{"results":[null]}`, `{"results":[{"name":"staging","cluster":{"id":"c1"}}]}`,
			`{"results":[{"id":"e1","name":"staging"}]}`, `{"results":[{"id":"e1","cluster":null}]}`,
			`{"results":[{"id":"e1","cluster":{"name":"dev"}}]}`, `{"results":[{"id":"e1","cluster":"c1"}]}`,
			`{"results":[{"id":"e1","cluster":{"id":"c1"},"deployment_status":{}}]}`,
			`{"results":[{"id":"e1","cluster":{"id":"c1"},"deployment_status":{"state":null}}]}`,
			`{"results":[{"id":"e1","cluster":{"id":"c1"},"deployment_status":{"state":7}}]}`,
			`{"results":[{"id":"e1","cluster":{"id":"c1"},"deployment_status":"DEPLOYED"}]}`,
		},
		historyPath: {
			`{}`, `null`, `{"results":null}`, `{"results":[null]}`, `{"results":[{}]}`,
			`{"results":[{"action_status":null,"auditing_data":{"created_at":"2026-01-01T00:00:00Z"}}]}`,
			`{"results":[{"action_status":1}]}`, `{"results":[{"action_status":"ONGOING","auditing_data":"yesterday"}]}`,
		},
	}
	for path, bodies := range tests {
		for i, body := range bodies {
			t.Run(fmt.Sprintf("%s %d", path, i), func(t *testing.T) {
				asked := oneEnvironment("DEPLOYING", "")
				asked[path] = body
				_, err := newFakeAPI(t, asked.serve).client(t).RunningDeployments(t.Context(), "org")
				if _, ok := errors.AsType[*Error](err); !ok || rotation.IsDefinite(err) {
					t.Errorf("%s: error = %v, want an unclear one", body, err)
				}
			})
		}
	}
}

// TestUnreadableProject checks that a project that the token may not read is an error, because deployments could run in it.
func TestUnreadableProject(t *testing.T) {
	for _, path := range []string{overviewPath, historyPath} {
		for status, want := range map[int]error{401: rotation.ErrUnauthenticated, 403: rotation.ErrForbidden} {
			t.Run(fmt.Sprint(path, status), func(t *testing.T) {
				asked := oneEnvironment("DEPLOYING", "")
				asked[projectsPath] = `{"results":[{"id":"p0","name":"mine"},{"id":"p1","name":"theirs"}]}`
				asked["/project/p0/environment/overview"] = `{"results":[]}`
				api := newFakeAPI(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == path {
						reply(status, `{"detail":"no rights"}`)(w, r)
						return
					}
					asked.serve(w, r)
				})
				_, err := api.client(t).RunningDeployments(t.Context(), "org")
				if !errors.Is(err, want) || !strings.HasPrefix(err.Error(), "project theirs: ") {
					t.Errorf("error = %v, want %v of the project", err, want)
				}
			})
		}
	}
}

// TestProjectsAreReadSideBySide answers the first requests about projects only when the maximum number of them has arrived.
func TestProjectsAreReadSideBySide(t *testing.T) {
	var (
		list              []string
		mu                sync.Mutex
		underWay, arrived int
		all               = make(chan struct{})
	)
	for i := range 2 * concurrentRequests {
		list = append(list, fmt.Sprintf(`{"id":"%d"}`, i))
	}
	projects := reply(200, `{"results":[`+strings.Join(list, ",")+`]}`)
	api := newFakeAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == projectsPath {
			projects(w, r)
			return
		}
		mu.Lock()
		underWay++
		arrived++
		if arrived == concurrentRequests {
			close(all)
		}
		if underWay > concurrentRequests {
			t.Errorf("%d requests are under way", underWay)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-r.Context().Done():
		}
		mu.Lock()
		underWay--
		mu.Unlock()
		reply(200, `{"results":[]}`)(w, r)
	})
	if _, err := api.client(t).RunningDeployments(t.Context(), "org"); err != nil || arrived != len(list) {
		t.Errorf("%d of %d projects were read: %v", arrived, len(list), err)
	}
}
