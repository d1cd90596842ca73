package simulator

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// EventKind is a kind of [Event].
type EventKind string

// The kinds of [Event].
const (
	EventCreated          EventKind = "created"
	EventVerified         EventKind = "verified"
	EventHeld             EventKind = "stored in Qovery"
	EventDeployed         EventKind = "deployed"
	EventDeploymentFailed EventKind = "deployment failed"
	EventDeactivated      EventKind = "deactivated"
	EventActivated        EventKind = "activated"
	EventDeleted          EventKind = "deleted"
)

// Event is an event in the life of an access key.
type Event struct {
	Time        time.Time
	AccessKeyID string
	What        EventKind
	// Detail is the name of the credentials or of the cluster, or the region.
	Detail string
}

// Timeline is a list of events, ordered by time.
type Timeline []Event

// Timeline returns the events of all access keys except those of the operators.
func (w *World) Timeline() Timeline {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	events := slices.DeleteFunc(slices.Clone(w.timeline), func(e Event) bool {
		return w.isOperator(e.AccessKeyID)
	})
	slices.SortStableFunc(events, func(a, b Event) int { return a.Time.Compare(b.Time) })
	return events
}

func (w *World) note(accessKeyID string, what EventKind, detail string) {
	w.noteAt(w.clock.Now(), accessKeyID, what, detail)
}

func (w *World) noteAt(at time.Time, accessKeyID string, what EventKind, detail string) {
	if accessKeyID != "" {
		w.timeline = append(w.timeline, Event{at, accessKeyID, what, detail})
	}
}

// noteHeld records the key in credentials if it has changed.
func (w *World) noteHeld(c *Credentials) {
	if id := c.accessKeyID(); id != c.noted {
		c.noted = id
		w.note(id, EventHeld, c.name())
	}
}

// noteVerified records the first time that a key signed a request for GetCallerIdentity.
func (w *World) noteVerified(call *awsCall) {
	if k := w.keys[call.signed.accessKeyID]; k != nil && !k.verified {
		k.verified = true
		w.note(k.ID, EventVerified, call.signed.region)
	}
}

// The lanes of [Timeline.String] show the state of a key.
const (
	laneNothing  = " "
	laneActive   = "│"
	laneHeld     = "█"
	laneInactive = "┆"
	laneDeleted  = "×"
)

// String draws the timeline, with a lane for each key.
func (t Timeline) String() string {
	var keys []string
	for _, e := range t {
		if !slices.Contains(keys, e.AccessKeyID) {
			keys = append(keys, e.AccessKeyID)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s held by Qovery   %s active   %s inactive   %s deleted\n\n",
		laneHeld, laneActive, laneInactive, laneDeleted)
	for i, key := range keys {
		fmt.Fprintf(&b, "%19s  %s┌ %s\n", "", strings.Repeat(laneActive+" ", i), key)
	}
	lanes := map[string]string{}
	heldBy := map[string]string{}
	for i, e := range t {
		if i > 0 {
			if gap := e.Time.Sub(t[i-1].Time); gap >= time.Minute {
				fmt.Fprintf(&b, "%19s  %s  … %s\n", "", drawLanes(keys, lanes), gap.Round(time.Second))
			}
		}
		switch e.What {
		case EventCreated, EventActivated:
			lanes[e.AccessKeyID] = laneActive
		case EventHeld:
			if before, ok := heldBy[e.Detail]; ok && lanes[before] == laneHeld {
				lanes[before] = laneActive
			}
			heldBy[e.Detail] = e.AccessKeyID
			lanes[e.AccessKeyID] = laneHeld
		case EventDeactivated:
			lanes[e.AccessKeyID] = laneInactive
		case EventDeleted:
			lanes[e.AccessKeyID] = laneDeleted
		case EventVerified, EventDeployed, EventDeploymentFailed:
		}
		line := fmt.Sprintf("%s %s", e.AccessKeyID, e.What)
		if e.Detail != "" {
			line += " (" + e.Detail + ")"
		}
		fmt.Fprintf(&b, "%19s  %s  %s\n", e.Time.UTC().Format(time.DateTime), drawLanes(keys, lanes), line)
		if e.What == EventDeleted {
			lanes[e.AccessKeyID] = laneNothing
		}
	}
	return b.String()
}

func drawLanes(keys []string, lanes map[string]string) string {
	drawn := make([]string, len(keys))
	for i, key := range keys {
		drawn[i] = laneNothing
		if lane, ok := lanes[key]; ok {
			drawn[i] = lane
		}
	}
	return strings.Join(drawn, " ")
}
