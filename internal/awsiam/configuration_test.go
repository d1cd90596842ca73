package awsiam

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestNewSendsNothingWithoutNeed(t *testing.T) {
	aws := newFakeAWS(t, nil)
	newTestClient(t, aws.config())
	if got := aws.requests(); len(got) > 0 {
		t.Errorf("sent %v", got)
	}
}

// TestSources checks the sources of credentials, region and endpoints, and which keys count as the provider's.
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
		// want is the key that signs IAM's request, and the region that it is signed for.
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

// TestEndpointsOfPlainHTTP checks that no request is sent to an endpoint with plain HTTP, wherever it is configured.
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
		"EC2 of the configuration":      {config: func(c *Config) { c.Endpoints.EC2 = address }, service: "EC2"},
		"EC2 of the environment":        {env: "AWS_ENDPOINT_URL_EC2", service: "EC2"},
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
				// A request would time out, and so fail the test.
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
