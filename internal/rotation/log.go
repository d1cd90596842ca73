package rotation

import "context"

// Reporter is told what a rotation does: one call per step and per change of a cluster's status.
type Reporter func(ctx context.Context, message string, fields map[string]any)

// reporterKey is the key of the [Reporter] in a context.
type reporterKey struct{}

// WithReporter returns a context in which rotations and retirements report their steps.
func WithReporter(ctx context.Context, reporter Reporter) context.Context {
	return context.WithValue(ctx, reporterKey{}, reporter)
}

// step reports what is done next, or what was met, with pairs of names and values.
func step(ctx context.Context, message string, pairs ...any) {
	reporter, ok := ctx.Value(reporterKey{}).(Reporter)
	if !ok {
		return
	}
	fields := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok && pairs[i+1] != nil {
			fields[name] = pairs[i+1]
		}
	}
	reporter(ctx, message, fields)
}
