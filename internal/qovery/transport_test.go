package qovery

import (
	"bytes"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestLog(t *testing.T) {
	api := newFakeAPI(t,
		page(502),
		reply(200, `{"id":"creds","object_type":"AWS","access_key_id":"AKIAOLD"}`, "X-Request-Id", "req-2"),
		reply(200, `{"access_key_id":"AKIANEW"}`, "X-Request-Id", "req-3"))
	holder := rotation.Holder{Kind: rotation.HolderCredentials, ID: "creds", AccessKeyID: "AKIAOLD"}

	var output bytes.Buffer
	ctx := tflog.NewSubsystem(tflogtest.RootLogger(t.Context(), &output), LogSubsystem)
	if err := storeKey(ctx, api.client(t), holder); err != nil {
		t.Fatal(err)
	}
	log := output.String()
	for _, secret := range []string{testToken, testSecret, "Authorization"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log contains %q:\n%s", secret, log)
		}
	}
	entries, err := tflogtest.MultilineJSONDecode(&output)
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"operation": "getAWSCredentials", "method": "GET", "attempt": 1.0, "status": 502.0, "@level": "warn"},
		{"operation": "getAWSCredentials", "method": "GET", "attempt": 2.0, "status": 200.0, "request_id": "req-2", "@level": "debug"},
		{"operation": "editAWSCredentials", "method": "PUT", "attempt": 1.0, "status": 200.0, "request_id": "req-3", "@level": "debug"},
	}
	if len(entries) != len(want) {
		t.Fatalf("got %d log entries, want %d:\n%s", len(entries), len(want), log)
	}
	for i, fields := range want {
		fields["@module"] = "provider." + LogSubsystem
		fields["path"] = "/organization/org/aws/credentials/creds"
		for field, value := range fields {
			if entries[i][field] != value {
				t.Errorf("entry %d: %s = %v, want %v", i, field, entries[i][field], value)
			}
		}
	}
}

// TestLogHidesSecretsThatComeBack checks that an answer that repeats the request is logged without the secrets.
func TestLogHidesSecretsThatComeBack(t *testing.T) {
	echo := "echo: " + testSecret + " " + testToken
	api := newFakeAPI(t,
		reply(200, `{"id":"creds","object_type":"AWS","access_key_id":"AKIAOLD"}`),
		reply(200, echo, "X-Request-Id", testToken),
		reply(400, echo, "X-Request-Id", testSecret))
	var output bytes.Buffer
	ctx := tflog.NewSubsystem(tflogtest.RootLogger(t.Context(), &output), LogSubsystem)
	if err := storeKey(ctx, api.client(t), rotation.Holder{Kind: rotation.HolderCredentials, ID: "creds", AccessKeyID: "AKIAOLD"}); err == nil {
		t.Error("no error")
	}
	log := output.String()
	if strings.Contains(log, testSecret) || strings.Contains(log, testToken) {
		t.Errorf("the log has a secret:\n%s", log)
	}
	if !strings.Contains(log, `"error":"response is not JSON: echo: (secret) (secret)"`) {
		t.Errorf("the log does not contain the answer:\n%s", log)
	}
}
