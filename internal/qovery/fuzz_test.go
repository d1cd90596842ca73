package qovery

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// fuzzClient returns a client whose answers come from a function.
func fuzzClient(t *testing.T, answer func(*http.Request) (status int, contentType string, body []byte)) *Client {
	t.Helper()
	return newTestClient(t, Config{
		MaxTries: 1,
		Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
			status, contentType, body := answer(req)
			return &http.Response{
				StatusCode: status,
				Header:     http.Header{"Content-Type": {contentType}, requestIDHeader: {string(body)}},
				Body:       io.NopCloser(bytes.NewReader(body)),
			}, nil
		}),
	})
}

// fuzzStatus returns a status from 200 to 599. net/http handles lower ones itself.
func fuzzStatus(status int) int { return 200 + int(uint(status)%400) }

// checkFuzzError fails the test if the error is of an unexpected type, contains a secret, or is not one short line.
func checkFuzzError(t *testing.T, what string, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, testToken) || strings.Contains(text, testSecret) ||
		strings.ContainsAny(text, "\r\n\x1b") || len(text) > 5*maxMessageSize {
		t.Errorf("%s: unfit error %q", what, text)
	}
	if _, ok := errors.AsType[*Error](err); !ok && !errors.Is(err, rotation.ErrConflict) && !errors.Is(err, rotation.ErrRejected) {
		t.Errorf("%s: error of type %T", what, err)
	}
}

func FuzzReadings(f *testing.F) {
	f.Fuzz(func(t *testing.T, status int, contentType string, body []byte) {
		status = fuzzStatus(status)
		client := fuzzClient(t, func(*http.Request) (int, string, []byte) { return status, contentType, body })
		for what, read := range readings {
			_, err := read(t.Context(), client)
			checkFuzzError(t, what, err)
			if err == nil && status >= 300 {
				t.Errorf("%s: HTTP %d was taken for a success", what, status)
			}
		}
	})
}

func FuzzPrepareStore(f *testing.F) {
	f.Fuzz(func(t *testing.T, shown []byte, status int, answered []byte) {
		status = fuzzStatus(status)
		var stored bool
		client := fuzzClient(t, func(req *http.Request) (int, string, []byte) {
			if req.Method == http.MethodGet {
				return 200, "application/json", shown
			}
			stored = true
			return status, "application/json", answered
		})
		for _, kind := range []rotation.HolderKind{
			rotation.HolderCredentials, rotation.HolderContainerRegistry, rotation.HolderHelmRepository, rotation.HolderDNSProvider,
		} {
			stored = false
			holder := rotation.Holder{Kind: kind, ID: "id", AccessKeyID: "AKIAOLD"}
			err := storeKey(t.Context(), client, holder)
			checkFuzzError(t, string(kind), err)
			if stored && err == nil && status >= 300 {
				t.Errorf("%s: HTTP %d was taken for a success", kind, status)
			}
		}
	})
}
