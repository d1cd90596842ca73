package awsiam

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	operatorKeyID  = "AKIAOPERATOR"
	operatorSecret = "operator/secret+1"
	roleKeyID      = "ASIAROLE"
	roleSecret     = "role/secret+2"
	roleToken      = "role/token+3"
	newKeyID       = "AKIANEW"
	newSecret      = "new/secret+4"
)

// received is a request that the fake AWS received.
type received struct {
	action, signedBy, region, userAgent string
	form                                map[string][]string
}

// fakeAWS answers the requests for each action with the action's steps in turn, and further requests with the last step.
type fakeAWS struct {
	*httptest.Server
	steps map[string][]http.HandlerFunc

	mu  sync.Mutex
	got []received
}

// newFakeAWS starts a server, and removes the machine's AWS configuration from the environment.
func newFakeAWS(t *testing.T, steps map[string][]http.HandlerFunc) *fakeAWS {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	empty := filepath.Join(t.TempDir(), "none")
	t.Setenv("AWS_CONFIG_FILE", empty)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", empty)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")

	aws := &fakeAWS{steps: steps}
	aws.Server = httptest.NewServer(aws)
	t.Cleanup(aws.Close)
	return aws
}

// ServeHTTP implements [http.Handler].
func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	request := received{action: r.PostForm.Get("Action"), userAgent: r.UserAgent(), form: r.PostForm}
	if _, scope, ok := strings.Cut(r.Header.Get("Authorization"), "Credential="); ok {
		parts := strings.Split(scope, "/")
		request.signedBy, request.region = parts[0], parts[2]
	}
	f.mu.Lock()
	f.got = append(f.got, request)
	n := 0
	for _, got := range f.got {
		if got.action == request.action {
			n++
		}
	}
	steps := f.steps[request.action]
	f.mu.Unlock()
	if len(steps) == 0 {
		fault(http.StatusBadRequest, "InvalidAction", request.action)(w, r)
		return
	}
	steps[min(n, len(steps))-1](w, r)
}

func (f *fakeAWS) requests() []received {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.got)
}

// config returns a configuration that uses only the fake AWS.
func (f *fakeAWS) config() Config {
	return Config{
		AccessKey:  operatorKeyID,
		SecretKey:  operatorSecret,
		Endpoints:  Endpoints{IAM: f.URL, STS: f.URL, EC2: f.URL},
		MaxBackoff: time.Millisecond,
	}
}

func newTestClient(t *testing.T, config Config) *Client {
	t.Helper()
	client, err := New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// result answers with the result of an action, which has the given content.
func result(action, content string) http.HandlerFunc {
	return answer(http.StatusOK, "text/xml", fmt.Sprintf(
		`<%[1]sResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><%[1]sResult>%[2]s</%[1]sResult>`+
			`<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></%[1]sResponse>`, action, content))
}

func fault(status int, code, message string) http.HandlerFunc {
	return answer(status, "text/xml", fmt.Sprintf(
		`<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error>`+
			`<RequestId>req-1</RequestId></ErrorResponse>`, code, message))
}

func page(status int) http.HandlerFunc {
	return answer(status, "text/html", "<html><body>proxy</body></html>")
}

func answer(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.Header().Set("X-Amzn-Requestid", "req-1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

// hang does not answer before the client gives up.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

const user = `<User><UserName>qovery</UserName><Arn>arn:aws:iam::123456789012:user/qovery</Arn>` +
	`<UserId>AIDA</UserId><Path>/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate></User>`

const createdKey = `<AccessKey><UserName>qovery</UserName><AccessKeyId>` + newKeyID + `</AccessKeyId>` +
	`<Status>Active</Status><SecretAccessKey>` + newSecret + `</SecretAccessKey>` +
	`<CreateDate>2026-01-02T03:04:05Z</CreateDate></AccessKey>`

// assumedRole answers with temporary credentials. The SDK renews expired ones at their next use.
func assumedRole(action, accessKeyID string, expired bool) http.HandlerFunc {
	expiration := "2126-01-01T00:00:00Z"
	if expired {
		expiration = "2020-01-01T00:00:00Z"
	}
	return result(action, `<Credentials><AccessKeyId>`+accessKeyID+`</AccessKeyId>`+
		`<SecretAccessKey>`+roleSecret+`</SecretAccessKey><SessionToken>`+roleToken+`</SessionToken>`+
		`<Expiration>`+expiration+`</Expiration></Credentials><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId>`+
		`<Arn>arn:aws:sts::123456789012:assumed-role/operator/s</Arn></AssumedRoleUser>`)
}

func TestNewErrors(t *testing.T) {
	tests := map[string]struct {
		config Config
		want   string
	}{
		"no credentials":  {want: "No valid credential sources found"},
		"unknown profile": {config: Config{Profile: "nobody"}, want: "nobody"},
		"secret missing":  {config: Config{AccessKey: operatorKeyID}, want: "static credentials are empty"},
		"role denied": {
			config: Config{
				AccessKey: operatorKeyID, SecretKey: operatorSecret, Token: "session/token",
				AssumeRole:                &AssumeRole{RoleARN: "arn:role"},
				AssumeRoleWithWebIdentity: &AssumeRoleWithWebIdentity{WebIdentityToken: "web/token"},
			},
			want: "IAM Role (arn:role) cannot be assumed",
		},
		"web identity refused": {
			config: Config{
				AssumeRoleWithWebIdentity: &AssumeRoleWithWebIdentity{RoleARN: "arn:role", WebIdentityToken: "web/token"},
			},
			want: "IAM Role (arn:role) cannot be assumed with web identity token",
		},
		"web identity missing": {
			config: Config{
				AssumeRoleWithWebIdentity: &AssumeRoleWithWebIdentity{RoleARN: "arn:role", WebIdentityTokenFile: "/nowhere"},
			},
			want: "/nowhere",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			refusal := fault(403, "SignatureDoesNotMatch", "Check "+test.config.SecretKey+test.config.Token+" web/token.\n\n"+
				"The Canonical String for this request should have been\nx-amz-security-token:environment/token")
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{"AssumeRole": {refusal}, "AssumeRoleWithWebIdentity": {refusal}})
			test.config.Endpoints.STS = aws.URL
			_, err := New(t.Context(), test.config)
			if !errors.Is(err, rotation.ErrUnauthenticated) || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error = %v, want %q", err, test.want)
			}
			for _, secret := range []string{operatorSecret, "session/token", "environment/token", "web/token"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error repeats %q: %v", secret, err)
				}
			}
		})
	}
}

func TestNewIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"AssumeRole": {func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	}}})
	config := aws.config()
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	if _, err := New(ctx, config); !errors.Is(err, context.Canceled) || rotation.IsDefinite(err) {
		t.Errorf("error = %v, want the cancellation's", err)
	}
}

func TestNewTakesNotForever(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"AssumeRole": {hang}})
	config := aws.config()
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	config.RequestTimeout = 5 * time.Millisecond
	if _, err := New(t.Context(), config); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
}

func TestUserAgent(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"GetUser": {result("GetUser", user)}})
	config := aws.config()
	config.UserAgent = []Product{
		{Name: "Terraform", Version: "1.11.4", Comment: "+https://www.terraform.io"},
		{Name: "rotation", Version: "1.0.0"},
	}
	if _, err := newTestClient(t, config).User(t.Context(), "qovery"); err != nil {
		t.Fatal(err)
	}
	const want = "Terraform/1.11.4 (+https://www.terraform.io) rotation/1.0.0"
	if got := aws.requests()[0].userAgent; !strings.Contains(got, want) {
		t.Errorf("User-Agent = %q, want %q in it", got, want)
	}
}

// TestLog checks that no secret is in the most verbose log of this package and of the libraries that it uses.
func TestLog(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{
		"AssumeRole":        {assumedRole("AssumeRole", roleKeyID, false)},
		"CreateAccessKey":   {result("CreateAccessKey", createdKey)},
		"GetCallerIdentity": {result("GetCallerIdentity", `<Arn>arn</Arn>`)},
		"TagUser":           {fault(500, "ServiceFailure", "try again"), answer(200, "text/xml", `<TagUserResponse/>`)},
	})
	t.Setenv("TF_LOG", "TRACE")
	stderr := captureStderr(t)
	var output bytes.Buffer
	ctx := tflog.NewSubsystem(tflogtest.RootLogger(t.Context(), &output), LogSubsystem)

	config := aws.config()
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	client, err := New(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	key, err := client.CreateAccessKey(ctx, "qovery")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CallerARN(ctx, key, "eu-west-3"); err != nil {
		t.Fatal(err)
	}
	if err := client.TagUser(ctx, "qovery", "key", "value"); err != nil {
		t.Fatal(err)
	}

	log := output.String()
	for _, secret := range []string{operatorSecret, roleSecret, roleToken, newSecret, "Signature=", "SecretAccessKey"} {
		if strings.Contains(log, secret) || strings.Contains(stderr(), secret) {
			t.Errorf("%q was logged:\n%s\n%s", secret, log, stderr())
		}
	}
	entries, err := tflogtest.MultilineJSONDecode(&output)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"@message": "Resolved the AWS configuration", "access_key_id": roleKeyID, "region": "us-east-1", "@level": "debug"},
		{"action": "iam:CreateAccessKey", "status": 200.0, "request_id": "req-1", "attempt": 1.0, "@level": "debug"},
		{"action": "sts:GetCallerIdentity", "status": 200.0, "@level": "debug"},
		{"action": "iam:TagUser", "status": 500.0, "attempt": 1.0, "@level": "warn"},
		{"action": "iam:TagUser", "status": 200.0, "attempt": 2.0, "@level": "info"},
	}
	if len(entries) != len(want) {
		t.Fatalf("got %d log entries, want %d:\n%s", len(entries), len(want), log)
	}
	for i, fields := range want {
		fields["@module"] = "provider." + LogSubsystem
		for field, value := range fields {
			if entries[i][field] != value {
				t.Errorf("entry %d: %s = %v, want %v", i, field, entries[i][field], value)
			}
		}
	}
}

// captureStderr redirects the process's standard error, and returns a function that reads what was written there.
func captureStderr(t *testing.T) func() string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	original := os.Stderr
	os.Stderr = file
	t.Cleanup(func() {
		os.Stderr = original
		_ = file.Close()
	})
	return func() string {
		content, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
}
