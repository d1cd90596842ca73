package rotation

import (
	"context"
	"maps"
	"testing"
)

func TestStepReports(t *testing.T) {
	var (
		told   string
		fields map[string]any
	)
	ctx := WithReporter(t.Context(), func(_ context.Context, message string, f map[string]any) { told, fields = message, f })
	step(ctx, "deploying", "cluster", "prod", "error", nil, "attempt", 2, 3, "a name that is none", "left over")
	if told != "deploying" {
		t.Errorf("reported %q", told)
	}
	if want := map[string]any{"cluster": "prod", "attempt": 2}; !maps.Equal(fields, want) {
		t.Errorf("reported %v, want %v", fields, want)
	}
}

func TestStepWithoutReporter(t *testing.T) {
	step(t.Context(), "deploying", "cluster", "prod") // does not panic
}
