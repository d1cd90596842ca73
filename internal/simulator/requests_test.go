package simulator

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/iotest"
)

// A client that gives up while it sends a request has changed nothing, so the request is not one of the world.
func TestRequestOfWhichAPartArrives(t *testing.T) {
	t.Parallel()
	w := New(t)
	for name, handler := range map[string]http.Handler{"AWS": w.AWSHandler(), "Qovery": w.qoveryHandler()} {
		func() {
			defer func() {
				if err, _ := recover().(error); !errors.Is(err, http.ErrAbortHandler) {
					t.Errorf("%s: recovered %v", name, err)
				}
			}()
			body := iotest.ErrReader(errors.New("unexpected EOF"))
			handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", body))
		}()
	}
	if got := w.Requests(); len(got) > 0 {
		t.Errorf("requests: %v", got)
	}
}
