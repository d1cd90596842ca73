package rotation

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

func TestProblemDetail(t *testing.T) {
	tests := map[string]struct {
		problem Problem
		want    string
	}{
		"everything": {
			Problem{Summary: "Failed", Cause: "It broke.", World: "as before.", Advice: "try again.", Err: errors.New("boom")},
			"It broke.\n\nState of AWS and Qovery: as before.\n\nWhat to do: try again.\n\nOriginal error: boom",
		},
		"cause only":     {Problem{Summary: "Failed", Cause: "It broke."}, "It broke."},
		"no world":       {Problem{Summary: "Failed", Cause: "It broke.", Advice: "try again."}, "It broke.\n\nWhat to do: try again."},
		"an error alone": {Problem{Summary: "Failed", Err: errors.New("boom")}, "Original error: boom"},
		"nothing":        {Problem{Summary: "Failed"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.problem.Detail(); got != test.want {
				t.Errorf("Detail() = %q, want %q", got, test.want)
			}
			if got, want := test.problem.Error(), "Failed: "+test.want; got != want {
				t.Errorf("Error() = %q, want %q", got, want)
			}
		})
	}
}

func TestProblemWrapsItsError(t *testing.T) {
	err := fmt.Errorf("refreshing: %w", &Problem{Summary: SummaryAPI, Err: fmt.Errorf("reading: %w", ErrForbidden)})
	if !errors.Is(err, ErrForbidden) {
		t.Errorf("%q does not wrap its error", err)
	}
	if errors.Is(err, ErrNotFound) {
		t.Errorf("%q wraps another error", err)
	}
}

func TestProblemIsCheck(t *testing.T) {
	for summary, want := range map[string]bool{
		SummaryAPI: false, SummaryUnauthenticated: false, SummaryForbidden: false, SummaryRetire: false, SummaryInterrupted: false,
		SummaryTimeout:  false,
		SummaryKeyInUse: true, SummaryNotReplaced: true, SummaryInvalidCredentials: true, SummarySignsWithKey: true, SummaryWrongUser: true,
	} {
		if got := (&Problem{Summary: summary}).IsCheck(); got != want {
			t.Errorf("%q: %t, want %t", summary, got, want)
		}
	}
}

func TestAsProblem(t *testing.T) {
	known := &Problem{Summary: SummaryStrangerKey}
	if got := AsProblem(fmt.Errorf("planning: %w", known)); got != known {
		t.Errorf("a problem became %+v", got)
	}
	for err, summary := range map[error]string{
		context.Canceled:         SummaryInterrupted,
		context.DeadlineExceeded: SummaryTimeout,
		ErrUnauthenticated:       SummaryUnauthenticated,
		ErrForbidden:             SummaryForbidden,
		ErrRejected:              SummaryAPI,
		errors.New("HTTP 500"):   SummaryAPI,
	} {
		err = fmt.Errorf("reading: %w", err)
		got := AsProblem(err)
		if got.Summary != summary || got.Cause == "" || got.Advice == "" || !errors.Is(got, err) {
			t.Errorf("%q became %+v, want %q", err, got, summary)
		}
	}
}
