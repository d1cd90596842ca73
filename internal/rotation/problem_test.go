package rotation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func TestProblemDetail(t *testing.T) {
	tests := map[string]struct {
		problem Problem
		want    string
	}{
		"everything": {
			Problem{Summary: "Failed", Cause: "It broke.", World: "As before.", Advice: "Try again.", Err: errors.New("boom")},
			"It broke.\n\nState of AWS and Qovery: As before.\n\nWhat to do: Try again.\n\nOriginal error: boom",
		},
		"cause only":       {Problem{Summary: "Failed", Cause: "It broke."}, "It broke."},
		"no world":         {Problem{Summary: "Failed", Cause: "It broke.", Advice: "Try again."}, "It broke.\n\nWhat to do: Try again."},
		"ends of contexts": {Problem{Cause: "It broke.", Err: errors.Join(context.Canceled, errors.Join(context.DeadlineExceeded, nil))}, "It broke."},
		"one among ends": {
			Problem{Cause: "It broke.", Err: errors.Join(context.Canceled, errors.Join(io.EOF, context.DeadlineExceeded))},
			"It broke.\n\nOriginal error: EOF",
		},
		"a timeout":      {Problem{Summary: "Failed", Cause: "It broke.", Err: context.DeadlineExceeded}, "It broke."},
		"an error alone": {Problem{Summary: "Failed", Err: errors.New("boom")}, "Original error: boom"},
		"nothing":        {Problem{Summary: "Failed"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := test.problem.Detail(); got != test.want {
				t.Errorf("Detail() = %q, want %q", got, test.want)
			}
			if got, want := test.problem.Error(), test.problem.Summary+": "+test.want; got != want {
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
		SummaryTimeout: false, SummaryRetireInterrupted: false, SummaryRetireTimeout: false,
		SummaryKeyInUse: true, SummaryNotReplaced: true, SummaryInvalidCredentials: true, SummarySignsWithKey: true, SummaryWrongUser: true,
	} {
		if got := (&Problem{Summary: summary}).IsCheck(); got != want {
			t.Errorf("%q: %t, want %t", summary, got, want)
		}
	}
}

// failure is an error of a port.
type failure struct {
	api   string
	cause error
	text  string
}

func (f failure) Error() string { return f.api + ": " + f.text }
func (f failure) API() string   { return f.api }
func (f failure) Unwrap() error { return f.cause }

// The cause names the API that failed, and the advice is about that API.
func TestProblemOfAnAPI(t *testing.T) {
	tests := map[string]struct {
		err           error
		cause, advice string
	}{
		"a token":      {errOf("Qovery", ErrUnauthenticated), "Qovery answered 401", "Check api_token (QOVERY_API_TOKEN)"},
		"a signature":  {errOf("AWS", ErrUnauthenticated), "AWS does not accept", "Check the provider's AWS credentials"},
		"a role":       {errOf("Qovery", ErrForbidden), "Qovery answered 403", "Give the API token's role"},
		"a policy":     {errOf("AWS", ErrForbidden), "AWS denied the request", "Give the provider's IAM identity"},
		"a refusal":    {errOf("Qovery", ErrRejected), "A request to Qovery failed", "Fix the problem that the original error names"},
		"no answer":    {errOf("AWS", nil), "A request to AWS failed", adviceRetry},
		"several":      {fmt.Errorf("reading: %w", errors.Join(errOf("AWS", nil), io.EOF)), "A request to AWS failed", adviceRetry},
		"from nowhere": {io.EOF, "A request to AWS or Qovery failed", adviceRetry},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := stopped(test.err, WorldUntouched)
			if !strings.HasPrefix(got.Cause, test.cause) || !strings.HasPrefix(got.Advice, test.advice) || got.World != WorldUntouched {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAsProblem(t *testing.T) {
	known := &Problem{Summary: SummaryForeignKey}
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
