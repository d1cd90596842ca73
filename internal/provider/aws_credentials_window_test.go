package provider

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"pgregory.net/rapid"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func windowOf(days types.Set, from, to types.String) types.Object {
	return types.ObjectValueMust(windowType.AttrTypes, map[string]attr.Value{"days": days, "from": from, "to": to})
}

func daysOf(names ...string) types.Set {
	elements := make([]attr.Value, len(names))
	for i, name := range names {
		elements[i] = types.StringValue(name)
	}
	return types.SetValueMust(types.StringType, elements)
}

// The windows of these tests, as seen at now, which is a Sunday at 09:00.
var (
	noWindow      = types.ObjectNull(windowType.AttrTypes)
	unknownWindow = types.ObjectUnknown(windowType.AttrTypes)
	openWindow    = windowOf(daysOf("sun"), types.StringValue("08:00"), types.StringValue("15:00"))
	closedWindow  = windowOf(daysOf("mon"), types.StringValue("08:00"), types.StringValue("15:00"))
	partialWindow = windowOf(types.SetNull(types.StringType), types.StringValue("08:00"), types.StringUnknown())
	// opensAt is when closedWindow opens.
	opensAt = time.Date(2027, time.April, 5, 8, 0, 0, 0, time.UTC)
)

// TestDesignHasTheRequests compares the table with the one in DESIGN.md.
func TestDesignHasTheRequests(t *testing.T) {
	t.Parallel()
	words := map[update]string{
		updateRecord: "nothing", updatePostpone: "remember", updateReschedule: "reschedule", updateMayRotate: "ask the clock", updateRotate: "rotate",
	}
	want := ""
	for _, request := range requests {
		want += fmt.Sprintf("| %s | %s | %s | %s |\n", request.reason, words[request.then[gateOpen]], words[request.then[gateChanged]],
			words[request.then[gateClosed]])
	}
	text, err := os.ReadFile("../../DESIGN.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "| --- | --- | --- | --- |\n"+want+"\n") {
		t.Errorf("DESIGN.md does not have the table\n%s", want)
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	changed := func(c *change) { c.plan.RotationTriggers = otherTriggers }
	mayChange := func(c *change) { c.plan.RotationTriggers = unknownTriggers }
	pending := func(c *change) { c.seen.PendingSince = now.AddDate(0, 0, -1) }
	aged := func(c *change) { c.seen.Aged = true }
	age := func(c *change) { c.plan.RotateAfterDays = types.Int64Value(30) }
	drains := func(ask func(*change)) func(*change) {
		return func(c *change) {
			ask(c)
			c.state.Phase = types.StringValue(string(rotation.PhaseDraining))
		}
	}
	held := func(ask func(*change)) func(*change) {
		return func(c *change) {
			ask(c)
			c.seen.HeldKeyID = "AKIAIOSFODNN7EXAMPLE"
		}
	}
	both := func(c *change) {
		mayChange(c)
		aged(c)
	}
	leaked := func(c *change) { c.compromised = true }
	deploys := func(c *change) {
		changed(c)
		c.state.Phase = types.StringValue(string(rotation.PhaseDeploying))
	}
	nothing := func(*change) {}
	for _, test := range []struct {
		name        string
		ask         func(*change)
		state, plan types.Object
		want        update
		// rotates and waits are what the update does now, on a Sunday morning.
		rotates, waits bool
	}{
		{"triggers, in an open window", changed, openWindow, openWindow, updateRotate, true, false},
		{"triggers, in a closed one", changed, closedWindow, closedWindow, updatePostpone, false, true},
		{"triggers, in one that is added and open", changed, noWindow, openWindow, updateMayRotate, true, false},
		{"triggers, in one that is added and closed", changed, noWindow, closedWindow, updateMayRotate, false, true},
		{"triggers, in one that is changed to an open one", changed, closedWindow, openWindow, updateMayRotate, true, false},
		{"triggers, in one that is removed", changed, closedWindow, noWindow, updateRotate, true, false},
		{"triggers, in one that is not known", changed, closedWindow, unknownWindow, updateMayRotate, true, false},
		{"triggers, in one that is not known in full", changed, closedWindow, partialWindow, updateMayRotate, true, false},
		{"triggers, while the previous key drains", drains(changed), closedWindow, closedWindow, updatePostpone, false, true},
		{"unknown triggers, in an open window", mayChange, openWindow, openWindow, updateMayRotate, false, false},
		{"unknown triggers, in a closed one", mayChange, closedWindow, closedWindow, updatePostpone, false, true},
		{"a rotation that waits, in an open window", pending, openWindow, openWindow, updateRotate, true, false},
		{"a rotation that waits, in a closed one", pending, closedWindow, closedWindow, updateRecord, false, false},
		{"a rotation that waits, in one that is removed", pending, closedWindow, noWindow, updateRotate, true, false},
		{"a rotation that waits, in one that is changed to an open one", pending, closedWindow, openWindow, updateMayRotate, true, false},
		{"a rotation that waits, in one that is changed to a closed one", pending, openWindow, closedWindow, updateMayRotate, false, true},
		{"a rotation that waits, while the previous key drains", drains(pending), openWindow, openWindow, updateRecord, false, false},
		{"a rotation that waits, while the previous key is held", held(pending), openWindow, openWindow, updateRecord, false, false},
		{"age, while the previous key is held", held(aged), noWindow, noWindow, updateRecord, false, false},
		{"another age, while the previous key is held", held(age), openWindow, openWindow, updateReschedule, false, false},
		{"triggers, while the previous key is held", held(changed), openWindow, openWindow, updateRotate, true, false},
		{"a key that leaked, while the previous key is held", held(leaked), openWindow, openWindow, updateRotate, true, false},
		{"age, in an open window", aged, openWindow, openWindow, updateRotate, true, false},
		{"age, in a closed one", aged, closedWindow, closedWindow, updateRecord, false, false},
		{"age, in one that is removed", aged, closedWindow, noWindow, updateRotate, true, false},
		{"age and unknown triggers, in a closed one", both, closedWindow, closedWindow, updatePostpone, false, true},
		{"another age, in an open window", age, openWindow, openWindow, updateMayRotate, true, false},
		{"another age, in a closed one", age, closedWindow, closedWindow, updateReschedule, false, true},
		{"a key that leaked, in a closed one", leaked, closedWindow, closedWindow, updateRotate, true, false},
		{"triggers and a rotation to resume, in a closed one", deploys, closedWindow, closedWindow, updateResume, true, false},
		{"nothing, in a closed one", nothing, closedWindow, closedWindow, updateRecord, false, false},
		{"nothing, in one that is changed", nothing, closedWindow, openWindow, updateReschedule, false, false},
		{"nothing, in one that is not known", nothing, closedWindow, unknownWindow, updateReschedule, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			state, plan := testState(), testState()
			state.RotationWindow, plan.RotationWindow = test.state, test.plan
			c := change{state: &state, plan: &plan, seen: schedule{Open: test.state.Equal(openWindow)}}
			test.ask(&c)
			if got := c.update(); got != test.want {
				t.Errorf("got intent %d, want %d", got, test.want)
			}
			if rotates, waits := c.rotates(now), c.waits(now); rotates != test.rotates || waits != test.waits {
				t.Errorf("rotates: %t, waits: %t, want %t and %t", rotates, waits, test.rotates, test.waits)
			}
		})
	}
}

// The window is open at the plan, and closed 6 hours later, at the apply: the rotation is postponed. If the window opens in
// between, the apply does no more than its plan.
func TestWindowMovesBetweenPlanAndApply(t *testing.T) {
	t.Parallel()
	state, plan := testState(), testState()
	plan.RotationTriggers = otherTriggers
	state.RotationWindow, plan.RotationWindow = openWindow, openWindow
	c := change{state: &state, plan: &plan, seen: schedule{Open: true}}
	later := now.Add(6 * time.Hour)
	if c.update() != updateRotate || c.rotates(later) || !c.waits(later) {
		t.Errorf("intent %d rotates: %t, waits: %t", c.update(), c.rotates(later), c.waits(later))
	}
	if seen := c.record(later); !seen.PendingSince.Equal(later) || seen.Open || plan.RotationDue.ValueBool() ||
		!timeOf(plan.RotationDueAt).Equal(now.AddDate(0, 0, 7).Add(-time.Hour)) {
		t.Errorf("%+v, due: %s at %s", seen, plan.RotationDue, plan.RotationDueAt)
	}

	plan = testState()
	plan.RotationTriggers = otherTriggers
	state.RotationWindow, plan.RotationWindow = closedWindow, closedWindow
	c.seen = schedule{}
	if c.rotates(opensAt) {
		t.Error("the apply rotates, and its plan said that it waits")
	}
	if seen := c.record(opensAt); !seen.PendingSince.Equal(opensAt) || plan.RotationDue.ValueBool() || !timeOf(plan.RotationDueAt).Equal(opensAt) {
		t.Errorf("%+v, due: %s at %s", seen, plan.RotationDue, plan.RotationDueAt)
	}
}

func TestPendingAfter(t *testing.T) {
	t.Parallel()
	asked := now.Add(-time.Hour)
	for _, test := range []struct {
		name      string
		phase     rotation.Phase
		rotatedAt time.Time
		want      time.Time
	}{
		{"a rotation", rotation.PhaseStable, now, time.Time{}},
		{"a resumed rotation", rotation.PhaseDeploying, now, time.Time{}},
		{"a resumed rotation that began before", rotation.PhaseDeploying, asked.Add(-time.Hour), asked},
		{"a key that somebody put into Qovery", rotation.PhaseDeploying, time.Time{}, asked},
	} {
		state := testState()
		state.Phase = types.StringValue(string(test.phase))
		c := change{state: &state, plan: &state, seen: schedule{PendingSince: asked}}
		if got := c.pendingAfter(&rotation.Record{RotatedAt: test.rotatedAt}); !got.Equal(test.want) {
			t.Errorf("%s: a rotation is asked for since %s, want %s", test.name, got, test.want)
		}
	}
}

func TestSetDue(t *testing.T) {
	t.Parallel()
	const never = ""
	for _, test := range []struct {
		name         string
		window       types.Object
		days         int64
		pendingSince time.Time
		due          bool
		dueAt        string
	}{
		{"nothing", closedWindow, 0, time.Time{}, false, never},
		{"an age to come, outside of the window", closedWindow, 95, time.Time{}, false, "2027-04-12T08:00:00Z"},
		{"an age to come, inside of it", openWindow, 97, time.Time{}, false, "2027-04-11T09:00:00Z"},
		{"an age that came, outside", closedWindow, 80, time.Time{}, false, "2027-04-05T08:00:00Z"},
		{"an age that came, inside", openWindow, 80, time.Time{}, true, "2027-03-28T08:00:00Z"},
		{"a rotation that waits, outside", closedWindow, 0, now.AddDate(0, 0, -30), false, "2027-04-05T08:00:00Z"},
		{"a rotation that waits, inside", openWindow, 0, now.AddDate(0, 0, -1), true, "2027-04-04T08:00:00Z"},
		{"a rotation that waits, and the window is removed", noWindow, 0, now.AddDate(0, 0, -1), true, "2027-04-03T09:00:00Z"},
		{"a rotation that waits, and an age to come", closedWindow, 120, now, false, "2027-04-05T08:00:00Z"},
		{"a rotation that waits, and an age that came before", openWindow, 80, now, true, "2027-03-28T08:00:00Z"},
	} {
		m := testState()
		m.RotationWindow, m.RotateAfterDays = test.window, types.Int64Value(test.days)
		seen := m.setDue(test.pendingSince, "", now)
		if got := m.RotationDueAt.ValueString(); m.RotationDue.ValueBool() != test.due || got != test.dueAt {
			t.Errorf("%s: due: %s at %q, want %t at %q", test.name, m.RotationDue, got, test.due, test.dueAt)
		}
		want := schedule{PendingSince: test.pendingSince, Aged: test.days == 80, Open: !test.window.Equal(closedWindow)}
		if seen != want {
			t.Errorf("%s: %+v, want %+v", test.name, seen, want)
		}
	}
}

// anyChange draws an update of a state that was refreshed at some time. In c, some values may be unknown. In known, they are
// known.
func anyChange(t *rapid.T) (c, known change, refreshedAt time.Time) {
	windows := rapid.SampledFrom([]types.Object{noWindow, openWindow, closedWindow})
	triggers := rapid.SampledFrom([]types.Map{noTriggers, someTriggers, otherTriggers})
	days := rapid.SampledFrom([]types.Int64{types.Int64Null(), types.Int64Value(89), types.Int64Value(91)})
	state := testState()
	state.RotationWindow, state.RotationTriggers, state.RotateAfterDays = windows.Draw(t, "window"), triggers.Draw(t, "triggers"), days.Draw(t, "days")
	state.Phase = types.StringValue(rapid.SampledFrom([]string{"stable", "deploying", "draining", "drained"}).Draw(t, "phase"))
	refreshedAt = now.Add(time.Duration(rapid.IntRange(-48, 48).Draw(t, "refreshed")) * time.Hour)
	pendingSince := rapid.SampledFrom([]time.Time{{}, now.AddDate(0, 0, -10)}).Draw(t, "pending")
	seen := state.setDue(pendingSince, "", refreshedAt)

	plan := state
	plan.RotationWindow, plan.RotationTriggers, plan.RotateAfterDays = windows.Draw(t, "new window"), triggers.Draw(t, "new triggers"), days.Draw(t, "new days")
	if rapid.Bool().Draw(t, "drains longer") {
		plan.DrainWindow = types.StringValue("2400h")
	}
	unknown := plan
	if rapid.Bool().Draw(t, "unknown window") {
		unknown.RotationWindow = rapid.SampledFrom([]types.Object{unknownWindow, partialWindow}).Draw(t, "how")
	}
	if rapid.Bool().Draw(t, "unknown triggers") {
		unknown.RotationTriggers = unknownTriggers
	}
	if rapid.Bool().Draw(t, "unknown days") {
		unknown.RotateAfterDays = types.Int64Unknown()
	}
	compromised := rapid.Bool().Draw(t, "compromised")
	other := state
	return change{&state, &unknown, seen, compromised}, change{&other, &plan, seen, compromised}, refreshedAt
}

// closedAttributes returns the attributes that are known in a plan.
func closedAttributes(m *awsCredentialsModel) map[string]attr.Value {
	values := map[string]attr.Value{}
	v := reflect.ValueOf(*m)
	for i := range v.NumField() {
		if value, ok := reflect.TypeAssert[attr.Value](v.Field(i)); ok && !value.IsUnknown() {
			values[v.Type().Field(i).Name] = value
		}
	}
	return values
}

// Terraform rejects a second plan that differs from the first, and an update that differs from the second plan. After an apply,
// a plan is empty until time passes.
func TestPlanAgreesWithUpdate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c, known, refreshedAt := anyChange(rt)
		appliedAt := refreshedAt.Add(time.Duration(rapid.IntRange(0, 48).Draw(rt, "later")) * time.Hour)
		agree := func(what string, first, second map[string]attr.Value) {
			for name, value := range first {
				if arguments := []string{"RotationWindow", "RotationTriggers", "RotateAfterDays"}; !slices.Contains(arguments, name) && !value.Equal(second[name]) {
					rt.Errorf("%s: %s is %v, planned was %s", what, name, second[name], value)
				}
			}
		}
		c.planComputed()
		known.planComputed()
		planned := closedAttributes(known.plan)
		agree("the second plan", closedAttributes(c.plan), planned)

		what := known.update()
		rotates, waits := known.rotates(appliedAt), known.waits(appliedAt)
		if rotates && (what < updateResume || what != updateResume && !known.compromised && !known.plan.window().Contains(appliedAt)) {
			rt.Errorf("intent %d rotates", what)
		}
		if rotates && waits {
			rt.Errorf("intent %d rotates, and says that it waits", what)
		}
		if rotates || what == updateResume {
			return
		}
		asked := known.triggersChange()
		seen := known.record(appliedAt)
		agree("the update", planned, closedAttributes(known.plan))
		if (asked || !known.seen.PendingSince.IsZero()) && seen.PendingSince.IsZero() {
			rt.Error("it is forgotten that a rotation is asked for")
		}
		if appliedAt.Equal(refreshedAt) {
			refreshed := *known.plan
			next := change{state: &refreshed, plan: known.plan, seen: refreshed.setDue(seen.PendingSince, "", appliedAt)}
			if !refreshed.RotationDue.Equal(known.plan.RotationDue) || !refreshed.RotationDueAt.Equal(known.plan.RotationDueAt) || next.update() != updateRecord {
				rt.Errorf("intent %d is followed by intent %d, due: %s at %s, then %s at %s", what, next.update(), known.plan.RotationDue, known.plan.RotationDueAt,
					refreshed.RotationDue, refreshed.RotationDueAt)
			}
		}
	})
}

func TestWindowValidator(t *testing.T) {
	t.Parallel()
	from, to := types.StringValue("08:00"), types.StringValue("15:00")
	for _, test := range []struct {
		value types.Object
		want  string
	}{
		{noWindow, ""},
		{unknownWindow, ""},
		{partialWindow, ""},
		{openWindow, ""},
		{windowOf(types.SetUnknown(types.StringType), from, from), ""},
		{windowOf(types.SetNull(types.StringType), from, to), ""},
		{windowOf(daysOf(), from, to), "days is empty"},
		{windowOf(daysOf("funday"), from, to), `days contains "funday"`},
		{windowOf(types.SetNull(types.StringType), from, from), `from = "00:00"`},
	} {
		resp := &validator.ObjectResponse{}
		windowValidator{}.ValidateObject(t.Context(), validator.ObjectRequest{ConfigValue: test.value}, resp)
		got := ""
		for _, d := range resp.Diagnostics {
			got += d.Detail()
		}
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q, want %q", test.value, got, test.want)
		}
	}
}
