package rotation

import (
	"context"
	"maps"
	"time"
)

// Event is a step of a job, a change of a cluster's status, or a setback.
type Event struct {
	Message string
	// Setback is true for something that failed.
	Setback bool
	// Fields are ids and figures. All events of a job have the ids of its target, the time since the job began (elapsed) and the
	// time until its timeout (remaining).
	Fields map[string]any
}

// Reporter receives the events of a rotation or a retirement.
type Reporter func(ctx context.Context, event Event)

// reporterKey and jobKey are the keys of the [Reporter] and of the [job] in a context.
type (
	reporterKey struct{}
	jobKey      struct{}
)

// WithReporter returns a context in which rotations and retirements report their steps.
func WithReporter(ctx context.Context, reporter Reporter) context.Context {
	return context.WithValue(ctx, reporterKey{}, reporter)
}

// job has what all events of a rotation or a retirement have in common.
type job struct {
	clock    Clock
	started  time.Time
	deadline time.Time
	target   Target
}

// withJob begins a job, or continues the job in the context, and limits its time.
func (r *Rotator) withJob(ctx context.Context, target Target, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Value(jobKey{}).(*job); !ok {
		started := r.clock.Now()
		ctx = context.WithValue(ctx, jobKey{}, &job{clock: r.clock, started: started, deadline: started.Add(timeout), target: target})
	}
	return r.clock.WithTimeout(ctx, timeout)
}

// nameUser adds the IAM user to the job if it was not known at the start.
func nameUser(ctx context.Context, userName string) {
	if j, ok := ctx.Value(jobKey{}).(*job); ok {
		j.target.UserName = userName
	}
}

// fields are the fields of an event of the job at this moment.
func (j *job) fields() map[string]any {
	now := j.clock.Now()
	fields := map[string]any{
		"organization_id": j.target.OrganizationID,
		"credentials_id":  j.target.CredentialsID,
		"elapsed":         now.Sub(j.started).Round(time.Second).String(),
		"remaining":       j.deadline.Sub(now).Round(time.Second).String(),
	}
	if j.target.UserName != "" {
		fields["iam_user_name"] = j.target.UserName
	}
	return fields
}

// step reports what is done next or was found, with pairs of names and values.
func step(ctx context.Context, message string, pairs ...any) { report(ctx, message, false, pairs) }

// setback reports what failed, with pairs of names and values.
func setback(ctx context.Context, message string, pairs ...any) { report(ctx, message, true, pairs) }

func report(ctx context.Context, message string, isSetback bool, pairs []any) {
	reporter, ok := ctx.Value(reporterKey{}).(Reporter)
	if !ok {
		return
	}
	fields := map[string]any{}
	if j, ok := ctx.Value(jobKey{}).(*job); ok {
		maps.Copy(fields, j.fields())
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			fields[name] = pairs[i+1]
		}
	}
	reporter(ctx, Event{Message: message, Setback: isSetback, Fields: fields})
}
