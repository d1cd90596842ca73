package awsiam

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var newKey = rotation.NewAccessKey{ID: newKeyID, Secret: rotation.NewSecret(newSecret)}

// ec2Fault answers with an error in EC2's format, which differs from that of other services.
func ec2Fault(status int, code string) http.HandlerFunc {
	return answer(status, "text/xml", `<Response><Errors><Error><Code>`+code+`</Code><Message>no</Message></Error></Errors>`+
		`<RequestID>req-2</RequestID></Response>`)
}

var ec2Success = answer(200, "text/xml", `<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><regionInfo/></DescribeRegionsResponse>`)

// TestNewKeySigns checks that the requests that try a new key are signed with it for the region. The key must not count as
// one of the provider's.
func TestNewKeySigns(t *testing.T) {
	for _, region := range []string{"eu-west-3", "cn-north-1", "us-gov-west-1"} {
		for action, call := range map[string]func(*Client) error{
			"GetCallerIdentity": func(c *Client) error {
				_, err := c.CallerARN(t.Context(), newKey, region)
				return err
			},
			"DescribeRegions":    func(c *Client) error { return c.TryKey(t.Context(), newKey, rotation.ServiceEC2, region) },
			"ListAccountAliases": func(c *Client) error { return c.TryKey(t.Context(), newKey, rotation.ServiceIAM, region) },
		} {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{
				"GetCallerIdentity":  {result("GetCallerIdentity", `<Arn>arn</Arn>`)},
				"DescribeRegions":    {ec2Success},
				"ListAccountAliases": {result("ListAccountAliases", `<AccountAliases/><IsTruncated>false</IsTruncated>`)},
			})
			config := aws.config()
			config.Region, config.UserAgent = region, []Product{{Name: "rotation", Version: "1.0.0"}}
			client := newTestClient(t, config)
			if err := call(client); err != nil {
				t.Fatal(action, err)
			}
			got := aws.requests()[0]
			if got.action != action || got.signedBy != newKeyID || got.region != region || !strings.Contains(got.userAgent, "rotation/1.0.0") {
				t.Errorf("%s by %s for %s as %q, want %s by %s for %s", got.action, got.signedBy, got.region, got.userAgent, action, newKeyID, region)
			}
			if signs, err := client.SignsWith(t.Context(), newKeyID); signs || err != nil {
				t.Errorf("SignsWith = %t, %v for a key that was only tried", signs, err)
			}
		}
	}
}

// TestTryKey checks which answers prove that a service knows the key, which prove the opposite, and which prove neither.
func TestTryKey(t *testing.T) {
	const ec2, iam = rotation.ServiceEC2, rotation.ServiceIAM
	for name, test := range map[string]struct {
		service rotation.Service
		step    http.HandlerFunc
		// want is nil for an answer that proves nothing, and for one that proves that the key is known.
		want  error
		known bool
	}{
		"EC2 knows":                  {service: ec2, step: ec2Success, known: true},
		"EC2 denies":                 {service: ec2, step: ec2Fault(403, "UnauthorizedOperation"), want: rotation.ErrForbidden},
		"EC2 does not know":          {service: ec2, step: ec2Fault(401, "AuthFailure"), want: rotation.ErrUnauthenticated},
		"another code for it":        {service: ec2, step: ec2Fault(403, "InvalidClientTokenId"), want: rotation.ErrUnauthenticated},
		"one of JSON services":       {service: ec2, step: ec2Fault(400, "UnrecognizedClientException"), want: rotation.ErrUnauthenticated},
		"EC2 is asked too often":     {service: ec2, step: ec2Fault(503, "RequestLimitExceeded")},
		"EC2 fails":                  {service: ec2, step: ec2Fault(500, "InternalError")},
		"an error of the wrong kind": {service: ec2, step: ec2Fault(500, "AuthFailure")},
		"EC2 is not emulated":        {service: ec2, step: answer(501, "application/json", `{"message": "not implemented"}`)},
		"nothing is there":           {service: ec2, step: answer(404, "text/plain", "not found")},
		"a page":                     {service: ec2, step: page(200)},
		"an empty success":           {service: ec2, step: answer(200, "text/xml", "")},
		"another success":            {service: ec2, step: result("GetCallerIdentity", "")},
		"no connection":              {service: ec2, step: reset},
		"no answer":                  {service: ec2, step: hang},
		"IAM knows":                  {service: iam, step: result("ListAccountAliases", `<AccountAliases/><IsTruncated>false</IsTruncated>`), known: true},
		"IAM denies":                 {service: iam, step: fault(403, "AccessDenied", "no"), want: rotation.ErrForbidden},
		"IAM does not know":          {service: iam, step: fault(403, "InvalidClientTokenId", "no"), want: rotation.ErrUnauthenticated},
		"IAM is asked too often":     {service: iam, step: fault(400, "Throttling", "no"), want: rotation.ErrThrottled},
		"the action is not emulated": {service: iam, step: fault(501, "NotImplemented", "no")},
		"a page for IAM":             {service: iam, step: page(200)},
		"no answer of IAM":           {service: iam, step: hang},
	} {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{"DescribeRegions": {test.step}, "ListAccountAliases": {test.step}})
			config := aws.config()
			config.RequestTimeout = 200 * time.Millisecond
			err := newTestClient(t, config).TryKey(t.Context(), newKey, test.service, "eu-west-3")
			if (err == nil) != test.known || rotation.IsDefinite(err) != (test.want != nil) || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if got := len(aws.requests()); got != 1 {
				t.Errorf("%d requests, want 1", got)
			}
		})
	}
}

func TestTryKeyIsCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"DescribeRegions": {func(w http.ResponseWriter, r *http.Request) {
		cancel()
		hang(w, r)
	}}})
	if err := newTestClient(t, aws.config()).TryKey(ctx, newKey, rotation.ServiceEC2, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want the cancellation's", err)
	}
}

// TestEC2Endpoint checks that EC2's endpoint fits the partition of the region, and that every source can configure another one.
// If only IAM or STS has a custom endpoint, there is none for EC2.
func TestEC2Endpoint(t *testing.T) {
	const other, ec2 = "https://aws.example.com", "https://ec2.example.com"
	for name, test := range map[string]struct {
		region    string
		endpoints Endpoints
		env       map[string]string
		want      string
	}{
		"AWS's own":              {region: "eu-west-3", want: "https://ec2.eu-west-3.amazonaws.com"},
		"the old default region": {region: "us-east-1", want: "https://ec2.us-east-1.amazonaws.com"},
		"China":                  {region: "cn-north-1", want: "https://ec2.cn-north-1.amazonaws.com.cn"},
		"GovCloud":               {region: "us-gov-west-1", want: "https://ec2.us-gov-west-1.amazonaws.com"},
		"a region that is new":   {region: "eu-south-9", want: "https://ec2.eu-south-9.amazonaws.com"},
		"FIPS": {
			region: "us-east-2", env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, want: "https://ec2-fips.us-east-2.amazonaws.com",
		},
		"IPv6":                           {region: "eu-west-3", env: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, want: "https://ec2.eu-west-3.api.aws"},
		"configured":                     {region: "eu-west-3", endpoints: Endpoints{IAM: other, STS: other, EC2: ec2}, want: ec2},
		"of the environment":             {region: "eu-west-3", env: map[string]string{"AWS_ENDPOINT_URL_EC2": ec2, "AWS_ENDPOINT_URL": other}, want: ec2},
		"of a shared configuration file": {region: "eu-west-3", env: map[string]string{"AWS_PROFILE": "emulator"}, want: ec2},
		"that of every service":          {region: "eu-west-3", env: map[string]string{"AWS_ENDPOINT_URL": other}, want: other},
		"ignored": {
			region: "eu-west-3", env: map[string]string{"AWS_ENDPOINT_URL": other, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
			want: "https://ec2.eu-west-3.amazonaws.com",
		},
		"IAM and STS elsewhere": {region: "eu-west-3", endpoints: Endpoints{IAM: other, STS: other}},
		"IAM elsewhere":         {region: "eu-west-3", env: map[string]string{"AWS_ENDPOINT_URL_IAM": other}},
		"STS elsewhere":         {region: "eu-west-3", env: map[string]string{"AWS_ENDPOINT_URL_STS": other}},
	} {
		t.Run(name, func(t *testing.T) {
			newFakeAWS(t, nil)
			file := filepath.Join(t.TempDir(), "config")
			content := "[profile emulator]\nservices = emulator\n[services emulator]\nec2 =\n  endpoint_url = " + ec2 + "\n"
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			client := newTestClient(t, Config{
				AccessKey: operatorKeyID, SecretKey: operatorSecret, SharedConfigFiles: []string{file}, Endpoints: test.endpoints,
			})
			got, err := client.ec2Endpoint(t.Context(), test.region)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// nobody is an HTTP client that fails the test if a request is sent.
type nobody struct{ t *testing.T }

// Do implements [aws.HTTPClient].
func (n nobody) Do(r *http.Request) (*http.Response, error) {
	n.t.Errorf("sent a request to %s", r.URL)
	return nil, errors.New("nobody is there")
}

// TestTryKeySendsNothingToAnotherAWS checks that EC2 is not called if only IAM and STS have custom endpoints. The error is not
// definite.
func TestTryKeySendsNothingToAnotherAWS(t *testing.T) {
	aws := newFakeAWS(t, nil)
	config := aws.config()
	config.Endpoints.EC2 = ""
	client := newTestClient(t, config)
	client.config.HTTPClient = nobody{t}
	err := client.TryKey(t.Context(), newKey, rotation.ServiceEC2, "eu-west-3")
	if err == nil || rotation.IsDefinite(err) || !strings.Contains(err.Error(), errNoEC2Endpoint.Error()) || len(aws.requests()) > 0 {
		t.Errorf("error = %v, sent %v", err, aws.requests())
	}
}

// TestLogOfTryKey checks that the log shows the request to EC2, and no part of its signature.
func TestLogOfTryKey(t *testing.T) {
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"DescribeRegions": {ec2Fault(401, "AuthFailure"), ec2Success}})
	var output bytes.Buffer
	ctx := tflog.NewSubsystem(tflogtest.RootLogger(t.Context(), &output), LogSubsystem)
	client := newTestClient(t, aws.config())
	for range 2 {
		_ = client.TryKey(ctx, newKey, rotation.ServiceEC2, "eu-west-3")
	}
	for _, secret := range []string{newSecret, "Signature=", "AWS4-HMAC"} {
		if strings.Contains(output.String(), secret) {
			t.Errorf("%q was logged:\n%s", secret, output.String())
		}
	}
	entries, err := tflogtest.MultilineJSONDecode(&output)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v: %v", entries, err)
	}
	for i, status := range []float64{401, 200} {
		if e := entries[i]; e["action"] != describeRegions || e["status"] != status || e["@level"] != "debug" || (e["error"] == nil) != (i == 1) {
			t.Errorf("entry %d is %v", i, e)
		}
	}
}

// TestTryKeyOfARedirection checks that a redirect does not send the key's signature to another server.
func TestTryKeyOfARedirection(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the signature was sent elsewhere")
		}
	}))
	t.Cleanup(elsewhere.Close)
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"DescribeRegions": {func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1), http.StatusTemporaryRedirect)
	}}})
	if err := newTestClient(t, aws.config()).TryKey(t.Context(), newKey, rotation.ServiceEC2, ""); err == nil || rotation.IsDefinite(err) {
		t.Errorf("error = %v", err)
	}
}
