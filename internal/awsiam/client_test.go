package awsiam

import (
	"bytes"
	"context"
	"encoding/pem"
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

// received is a request as the fake AWS got it.
type received struct {
	action, signedBy, region, userAgent string
	form                                map[string][]string
}

// fakeAWS answers each action one step after the other, and every further time with its last step.
type fakeAWS struct {
	*httptest.Server
	steps map[string][]http.HandlerFunc

	mu  sync.Mutex
	got []received
}

// newFakeAWS starts a server, and takes the environment's own AWS configuration away.
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

// config is one that needs nothing but the fake AWS.
func (f *fakeAWS) config() Config {
	return Config{
		AccessKey:  operatorKeyID,
		SecretKey:  operatorSecret,
		Endpoints:  Endpoints{IAM: f.URL, STS: f.URL},
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

// result answers with what is inside of an action's result.
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

// hang answers when nobody waits any longer.
func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

const user = `<User><UserName>qovery</UserName><Arn>arn:aws:iam::123456789012:user/qovery</Arn>` +
	`<UserId>AIDA</UserId><Path>/</Path><CreateDate>2026-01-01T00:00:00Z</CreateDate></User>`

const createdKey = `<AccessKey><UserName>qovery</UserName><AccessKeyId>` + newKeyID + `</AccessKeyId>` +
	`<Status>Active</Status><SecretAccessKey>` + newSecret + `</SecretAccessKey>` +
	`<CreateDate>2026-01-02T03:04:05Z</CreateDate></AccessKey>`

// assumedRole answers with temporary credentials. Those that have expired already are renewed at once.
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

func TestNewSendsNothingWithoutNeed(t *testing.T) {
	aws := newFakeAWS(t, nil)
	newTestClient(t, aws.config())
	if got := aws.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// TestSources checks where credentials, region and endpoints are taken from, and which keys count as the provider's.
func TestSources(t *testing.T) {
	const profiles = `
[profile keys]
aws_access_key_id = AKIAPROFILE
aws_secret_access_key = profile/secret
region = eu-west-3
[profile role]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = keys
[profile process]
credential_process = echo '{"Version":1,"AccessKeyId":"AKIAPROCESS","SecretAccessKey":"process/secret"}'
[profile role-of-process]
role_arn = arn:aws:iam::123456789012:role/operator
source_profile = process
`
	const credentialsFileContent = `
[file]
aws_access_key_id = AKIAFILE
aws_secret_access_key = file/secret
`
	role := &AssumeRole{RoleARN: "arn:aws:iam::123456789012:role/operator", SessionName: "rotation"}
	tests := map[string]struct {
		config Config
		env    map[string]string
		// want is the key and the region that IAM's request is signed with.
		wantKey, wantRegion string
		wantSigners         []string
	}{
		"configuration": {
			config:  Config{AccessKey: operatorKeyID, SecretKey: operatorSecret},
			wantKey: operatorKeyID, wantRegion: "us-east-1",
			wantSigners: []string{operatorKeyID},
		},
		"configuration with a session": {
			config:  Config{AccessKey: "ASIASESSION", SecretKey: operatorSecret, Token: "token", Region: "us-gov-west-1"},
			wantKey: "ASIASESSION", wantRegion: "us-gov-west-1",
			wantSigners: []string{"ASIASESSION"},
		},
		"environment": {
			env: map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env/secret", "AWS_REGION": "eu-central-1",
			},
			wantKey: "AKIAENV", wantRegion: "eu-central-1",
			wantSigners: []string{"AKIAENV"},
		},
		"profile": {
			config:  Config{Profile: "keys"},
			wantKey: "AKIAPROFILE", wantRegion: "eu-west-3",
			wantSigners: []string{"AKIAPROFILE"},
		},
		"profile of the credentials file": {
			config:  Config{Profile: "file"},
			wantKey: "AKIAFILE", wantRegion: "us-east-1",
			wantSigners: []string{"AKIAFILE"},
		},
		"profile in the environment": {
			env:     map[string]string{"AWS_PROFILE": "keys", "AWS_REGION": "eu-central-1"},
			wantKey: "AKIAPROFILE", wantRegion: "eu-central-1",
			wantSigners: []string{"AKIAPROFILE"},
		},
		"process": {
			config:  Config{Profile: "process"},
			wantKey: "AKIAPROCESS", wantRegion: "us-east-1",
			wantSigners: []string{"AKIAPROCESS"},
		},
		"role of a profile": {
			config:  Config{Profile: "role"},
			wantKey: roleKeyID, wantRegion: "us-east-1",
			wantSigners: []string{"AKIAPROFILE", roleKeyID},
		},
		"role of a process": {
			config:  Config{Profile: "role-of-process", Region: "eu-west-1"},
			wantKey: roleKeyID, wantRegion: "eu-west-1",
			wantSigners: []string{"AKIAPROCESS", roleKeyID},
		},
		"role": {
			config:  Config{AccessKey: operatorKeyID, SecretKey: operatorSecret, AssumeRole: role},
			wantKey: roleKeyID, wantRegion: "us-east-1",
			wantSigners: []string{operatorKeyID, roleKeyID},
		},
		"role from the environment": {
			config: Config{AssumeRole: role},
			env: map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env/secret",
			},
			wantKey: roleKeyID, wantRegion: "us-east-1",
			wantSigners: []string{"AKIAENV", roleKeyID},
		},
		"role with a web identity": {
			config: Config{AssumeRoleWithWebIdentity: &AssumeRoleWithWebIdentity{
				RoleARN: "arn:aws:iam::123456789012:role/operator", SessionName: "rotation", WebIdentityToken: "jwt",
			}},
			wantKey: roleKeyID, wantRegion: "us-east-1",
			wantSigners: []string{roleKeyID},
		},
	}
	for name, test := range tests {
		for _, endpoints := range []string{"configuration", "environment"} {
			t.Run(name+", endpoints of the "+endpoints, func(t *testing.T) {
				aws := newFakeAWS(t, map[string][]http.HandlerFunc{
					"GetUser":                   {result("GetUser", user)},
					"AssumeRole":                {assumedRole("AssumeRole", roleKeyID, false)},
					"AssumeRoleWithWebIdentity": {assumedRole("AssumeRoleWithWebIdentity", roleKeyID, false)},
				})
				file := filepath.Join(t.TempDir(), "config")
				if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
					t.Fatal(err)
				}
				test.config.SharedConfigFiles = []string{file}
				credentialsFile := filepath.Join(t.TempDir(), "credentials")
				if err := os.WriteFile(credentialsFile, []byte(credentialsFileContent), 0o600); err != nil {
					t.Fatal(err)
				}
				test.config.SharedCredentialsFiles = []string{credentialsFile}
				for key, value := range test.env {
					t.Setenv(key, value)
				}
				test.config.Endpoints = Endpoints{IAM: aws.URL, STS: aws.URL}
				if endpoints == "environment" {
					test.config.Endpoints = Endpoints{}
					t.Setenv("AWS_ENDPOINT_URL_IAM", aws.URL)
					t.Setenv("AWS_ENDPOINT_URL_STS", aws.URL)
				}

				client := newTestClient(t, test.config)
				for _, accessKeyID := range append([]string{"AKIAPROFILE", "AKIAPROCESS", "AKIAENV"}, test.wantSigners...) {
					want := slices.Contains(test.wantSigners, accessKeyID)
					if got, err := client.SignsWith(t.Context(), accessKeyID); err != nil || got != want {
						t.Errorf("SignsWith(%s) = %t, %v, want %t", accessKeyID, got, err, want)
					}
				}
				if _, err := client.User(t.Context(), "qovery"); err != nil {
					t.Fatal(err)
				}
				requests := aws.requests()
				last := requests[len(requests)-1]
				if last.signedBy != test.wantKey || last.region != test.wantRegion {
					t.Errorf("signed by %s for %s, want %s for %s", last.signedBy, last.region, test.wantKey, test.wantRegion)
				}
			})
		}
	}
}

func TestAssumeRoleParameters(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"AssumeRole": {assumedRole("AssumeRole", roleKeyID, false)}})
	config := aws.config()
	config.AssumeRole = &AssumeRole{
		RoleARN: "arn", SessionName: "rotation", ExternalID: "external", Duration: time.Hour, Policy: "{}",
	}
	newTestClient(t, config)
	form := aws.requests()[0].form
	for parameter, want := range map[string]string{
		"RoleArn": "arn", "RoleSessionName": "rotation", "ExternalId": "external", "DurationSeconds": "3600", "Policy": "{}",
	} {
		if got := form[parameter]; len(got) != 1 || got[0] != want {
			t.Errorf("%s = %v, want %s", parameter, got, want)
		}
	}
}

func TestSignsWithSeesRenewedCredentials(t *testing.T) {
	expired := assumedRole("AssumeRole", "ASIAFIRST", true)
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{
		"AssumeRole": {expired, expired, expired, assumedRole("AssumeRole", roleKeyID, false)},
	})
	config := aws.config()
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	client := newTestClient(t, config)
	for _, accessKeyID := range []string{operatorKeyID, "ASIAFIRST", roleKeyID} {
		if got, err := client.SignsWith(t.Context(), accessKeyID); !got || err != nil {
			t.Errorf("SignsWith(%s) = %t, %v", accessKeyID, got, err)
		}
	}
}

func TestCertificatesOfTheEnvironment(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{
		"GetUser":    {result("GetUser", user)},
		"AssumeRole": {assumedRole("AssumeRole", roleKeyID, false)},
	})
	var protocols []string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols = append(protocols, r.Proto)
		aws.ServeHTTP(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	bundle := filepath.Join(t.TempDir(), "bundle.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(bundle, certificate, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CA_BUNDLE", bundle)

	config := aws.config()
	config.Endpoints = Endpoints{IAM: server.URL, STS: server.URL}
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	client := newTestClient(t, config)
	if _, err := client.User(t.Context(), "qovery"); err != nil {
		t.Fatal(err)
	}
	if got, err := client.SignsWith(t.Context(), operatorKeyID); !got || err != nil {
		t.Errorf("over %v: SignsWith = %t, %v", protocols, got, err)
	}
	if !slices.Contains(protocols, "HTTP/2.0") {
		t.Errorf("protocols = %v, want HTTP/2 among them", protocols)
	}
}

// TestEndpointsOfPlainHTTP checks that no address to which secrets must not travel gets a request, wherever it comes from.
func TestEndpointsOfPlainHTTP(t *testing.T) {
	const (
		address  = "http://192.0.2.1"
		services = "[profile emulator]\nservices = emulator\n[services emulator]\niam =\n  endpoint_url = " + address + "\n"
	)
	for name, test := range map[string]struct {
		config  func(*Config)
		env     string
		service string
	}{
		"IAM of the configuration":      {config: func(c *Config) { c.Endpoints.IAM = address }, service: "IAM"},
		"STS of the configuration":      {config: func(c *Config) { c.Endpoints.STS = address }, service: "STS"},
		"IAM of the environment":        {env: "AWS_ENDPOINT_URL_IAM", service: "IAM"},
		"STS of the environment":        {env: "AWS_ENDPOINT_URL_STS", service: "STS"},
		"every API of the environment":  {env: "AWS_ENDPOINT_URL", service: "IAM"},
		"IAM of a shared configuration": {config: func(c *Config) { c.Profile = "emulator" }, service: "IAM"},
	} {
		t.Run(name, func(t *testing.T) {
			newFakeAWS(t, nil)
			file := filepath.Join(t.TempDir(), "config")
			if err := os.WriteFile(file, []byte(services), 0o600); err != nil {
				t.Fatal(err)
			}
			config := Config{
				AccessKey: operatorKeyID, SecretKey: operatorSecret, SharedConfigFiles: []string{file},
				// With a request the test would fail by its time.
				AssumeRole: &AssumeRole{RoleARN: "arn"},
			}
			if test.config != nil {
				test.config(&config)
			}
			if test.env != "" {
				t.Setenv(test.env, address)
			}
			_, err := New(t.Context(), config)
			if err == nil || !strings.HasPrefix(err.Error(), "the endpoint of "+test.service+" must use https") {
				t.Errorf("error = %v, want one about the endpoint of %s", err, test.service)
			}
		})
	}
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

// TestLog checks that not even the most verbose log of everything that this package uses contains a secret.
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

// captureStderr redirects what is written to the process's own log, and returns a function that reads it.
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
