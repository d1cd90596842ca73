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
		ErrUnauthenticated: true, ErrForbidden: true, ErrNotFound: true, ErrLimitExceeded: true, ErrConflict: true, ErrRejected: true, ErrThrottled: true,
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

func TestIsPassing(t *testing.T) {
	for err, want := range map[error]bool{
		ErrThrottled: true, context.DeadlineExceeded: true, errors.New("HTTP 500"): true,
		ErrUnauthenticated: false, ErrForbidden: false, ErrNotFound: false, ErrLimitExceeded: false, ErrConflict: false, ErrRejected: false,
	} {
		if got := isPassing(fmt.Errorf("storing: %w", err)); got != want {
			t.Errorf("%q: %t, want %t", err, got, want)
		}
	}
}
