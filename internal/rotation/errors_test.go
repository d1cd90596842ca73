package rotation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestIsDefinite(t *testing.T) {
	for err, want := range map[error]bool{
		ErrUnauthenticated: true, ErrForbidden: true, ErrNotFound: true, ErrLimitExceeded: true, ErrConflict: true, ErrRejected: true,
		context.Canceled: false, context.DeadlineExceeded: false, io.ErrUnexpectedEOF: false, errors.New("HTTP 500"): false,
	} {
		if got := IsDefinite(fmt.Errorf("storing: %w", err)); got != want {
			t.Errorf("%q: %t, want %t", err, got, want)
		}
	}
	if IsDefinite(nil) {
		t.Error("no error is a refusal")
	}
}
