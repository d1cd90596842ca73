package provider_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/provider"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The tests begin on Sunday, 2027-04-04, at 09:00.
const (
	sundays   = "\n  rotation_window = { days = [\"sun\"], from = \"08:00\", to = \"15:00\" }"
	mondays   = "\n  rotation_window = { days = [\"mon\"], from = \"08:00\", to = \"15:00\" }"
	nights    = "\n  rotation_window = { from = \"22:00\", to = \"04:00\" }"
	monday    = "2027-04-05T08:00:00Z"
	sunday    = "2027-04-11T08:00:00Z"
	thisNight = "2027-04-04T22:00:00Z"
)

// at moves the clock to a time.
func (s *stage) at(moment string) func() {
	return func() {
		s.t.Helper()
		to, err := time.Parse(time.RFC3339, moment)
		if err != nil {
			s.t.Fatal(err)
		}
		s.Clock().AdvanceTo(to)
	}
}

// waitsUntil returns checks that a rotation waits until a moment.
func waitsUntil(moment string) []statecheck.StateCheck {
	return []statecheck.StateCheck{
		value(credentialsAddress, "rotation_due", knownvalue.Bool(false)), value(credentialsAddress, "rotation_due_at", text(moment)),
	}
}

// postpones is a plan that remembers a request.
var postpones = open{credentialsAddress, []string{"rotation_due_at"}}

// rotatedOnce returns steps which check that a waiting rotation happens once.
func (s *stage) rotatedOnce(config string) []resource.TestStep {
	return []resource.TestStep{
		{
			Config:            config,
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates),
			Check:             resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "previous_access_key_id", text(s.key.ID))},
		},
		{PreConfig: func() { s.Clock().Advance(28 * day) }, Config: config, PlanOnly: true},
	}
}

// waits applies a configuration after which a rotation waits.
func (s *stage) waits(config string, before object, moment string) object {
	s.t.Helper()
	after := s.mustApply(config, before)
	s.expect(credentialsAddress, after, waitsUntil(moment)...)
	return after
}

// rotatesOnce is rotatedOnce without Terraform.
func (s *stage) rotatesOnce(config string, before object) {
	s.t.Helper()
	refreshed, planned := s.plan(config, before, rotates)
	after := s.mustApplyPlan(config, refreshed, planned)
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
	s.expect(credentialsAddress, after, value(credentialsAddress, "previous_access_key_id", text(s.key.ID)))
	s.Clock().Advance(28 * day)
	s.nothingToDo(config, after)
}

func TestWindowOfTriggers(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(append([]resource.TestStep{
		{Config: s.credentials(adopt(trigger("1") + mondays))},
		{
			Config:            s.credentials(adopt(trigger("2") + mondays)),
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), postpones),
			Check:             resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, monday, s.key.ID)),
			ConfigStateChecks: waitsUntil(monday),
		},
		// Triggers that change back do not withdraw the request.
		{Config: s.credentials(adopt(trigger("1") + mondays)), Check: check(s.untouched), ConfigStateChecks: waitsUntil(monday)},
		{PreConfig: s.at("2027-04-05T07:59:59Z"), Config: s.credentials(adopt(trigger("1") + mondays)), PlanOnly: true},
		// There was no apply on Monday.
		{
			PreConfig:         s.at("2027-04-05T15:00:00Z"),
			Config:            s.credentials(adopt(trigger("1") + mondays)),
			ConfigPlanChecks:  plans(plancheck.ExpectEmptyPlan(), meanwhile(s.at("2027-04-12T08:00:00Z"))),
			ConfigStateChecks: waitsUntil("2027-04-12T08:00:00Z"), ExpectNonEmptyPlan: true,
		},
	}, s.rotatedOnce(s.credentials(adopt(trigger("1")+mondays)))...)...)
}

func TestWindowOfTriggersKnownAfterApply(t *testing.T) {
	t.Parallel()
	for input, waits := range map[string]bool{"1": false, "2": true} {
		t.Run("from 1 to "+input, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			const triggers = "rotation_triggers = { schedule = terraform_data.period.output }" + mondays
			config := s.withPeriod("2", input, triggers)
			steps := []resource.TestStep{
				{Config: s.withPeriod("1", "1", triggers)},
				{Config: config, ConfigPlanChecks: plans(postpones), Check: check(s.untouched)},
			}
			if waits {
				steps[1].ConfigStateChecks = waitsUntil(monday)
				steps = append(steps, s.rotatedOnce(config)...)
				steps[2].PreConfig = s.at(monday)
			} else {
				steps = append(steps, resource.TestStep{PreConfig: s.at(monday), Config: config, PlanOnly: true})
			}
			s.runTerraform(steps...)
		})
	}
}

// The key is 92 days old on a Tuesday. If the triggers change too, there is still one rotation.
func TestWindowOfAge(t *testing.T) {
	t.Parallel()
	const nextMonday = "2027-04-12T08:00:00Z"
	for name, changed := range map[string]string{"alone": "1", "and of triggers": "2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			config := s.credentials(adopt("rotate_after_days = 92\n  " + trigger(changed) + mondays))
			o := s.waits(s.credentials(adopt("rotate_after_days = 92\n  "+trigger("1")+mondays)), object{}, nextMonday)
			s.at("2027-04-06T09:00:00Z")()
			o = s.waits(config, o, nextMonday)
			s.holds(check(s.untouched))
			s.at("2027-04-12T07:59:59Z")()
			s.nothingToDo(config, o)
			s.at(nextMonday)()
			s.rotatesOnce(config, o)
		})
	}
}

// A rotation that waits uses the present window.
func TestWindowIsChanged(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"and removed": "", "and changed to an open one": sundays} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			o := s.mustApply(s.credentials(adopt(trigger("1")+mondays)), object{})
			o = s.waits(s.credentials(adopt(trigger("2")+mondays)), o, monday)
			o = s.waits(s.credentials(adopt(trigger("2")+nights)), o, thisNight)
			s.holds(resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, thisNight)))
			s.rotatesOnce(s.credentials(adopt(trigger("2")+last)), o)
		})
	}
}

func TestWindowAcrossMidnight(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2") + nights))
	o := s.waits(config, s.mustApply(s.credentials(adopt(trigger("1")+nights)), object{}), thisNight)
	s.at("2027-04-05T03:59:59Z")()
	s.rotatesOnce(config, o)
}

// An apply can only postpone what its plan has shown.
func TestWindowClosesBeforeTheApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2") + sundays))
	before, planned := s.plan(config, s.mustApply(s.credentials(adopt(trigger("1")+sundays)), object{}), rotates)
	s.at("2027-04-04T15:00:00Z")()
	after := s.mustApplyPlan(config, before, planned)
	s.holds(resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, sunday)))
	s.expect(credentialsAddress, after, waitsUntil(sunday)...)
	s.at(sunday)()
	s.rotatesOnce(config, after)
}

func TestWindowOpensBeforeTheApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2") + mondays))
	s.run(append([]resource.TestStep{
		{Config: s.credentials(adopt(trigger("1") + mondays))},
		{
			Config:             config,
			ConfigPlanChecks:   plans(postpones, meanwhile(s.at(monday))),
			Check:              check(s.untouched),
			ConfigStateChecks:  waitsUntil(monday),
			ExpectNonEmptyPlan: true,
		},
	}, s.rotatedOnce(config)...)...)
}

func TestWindowOfACreation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(mondays)
	s.must(s.refuse(config))
	s.holds(s.warned(provider.SummaryRotationWaits, monday, s.set.ID, "is adopted"))
	o := s.waits(config, object{}, monday)
	s.holds(resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, s.key.ID, "was adopted")))
	s.at(monday)()
	s.rotatesOnce(config, o)
}

func TestWindowOfACreationInside(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.expect(credentialsAddress, s.mustApply(s.credentials(sundays), object{}), value(credentialsAddress, "rotation_due_at", knownvalue.Null()))
	s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
}

// A rotation that waits for the window also waits for the drain window, because a plan that fails would block everything else.
func TestWindowWhileDraining(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const window = "\n  rotation_window = { from = \"09:00\", to = \"09:10\" }"
	config := s.credentials(trigger("2") + "\n  drain_window = \"24h\"" + window)
	o := s.mustApply(s.credentials(trigger("1")+"\n  drain_window = \"24h\""+window), object{})
	s.holds(s.keys(2))
	s.at("2027-04-04T12:00:00Z")()
	o = s.waits(config, o, "2027-04-05T09:00:00Z")
	s.at("2027-04-05T09:00:00Z")()
	s.nothingToDo(config, o)
	s.expect(credentialsAddress, s.mustApply(config, o), value(credentialsAddress, "rotation_due", knownvalue.Bool(true)))
	s.at("2027-04-06T09:00:00Z")()
	s.mustApply(config, o)
	s.holds(resource.ComposeTestCheckFunc(s.deployments(2), gone(s.key)))
}

// Neither a leaked key nor the clusters of an interrupted rotation wait.
func TestWindowDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	t.Run("a leaked key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := func() string { return s.credentials(adopt(trigger("2") + mondays)) }
		o := s.waits(config(), s.mustApply(s.credentials(adopt(trigger("1")+mondays)), object{}), monday)
		s.rotatesOnce(s.leaked(config, s.key), o)
	})
	t.Run("a leaked key of a creation", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := s.leaked(func() string { return s.credentials(mondays) }, s.key)
		o := s.mustApply(config, object{})
		s.holds(resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)))
		s.at(monday)()
		s.nothingToDo(config, o)
	})
	t.Run("a resume", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := s.credentials(adopt(trigger("2") + mondays))
		s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
		o := s.waits(config, s.mustApply(s.credentials(adopt(trigger("1")+mondays)), object{}), monday)
		s.at(monday)()
		failed, err := s.apply(config, o)
		s.fails(err, rotation.SummaryDeployment)
		s.at("2027-04-05T15:00:00Z")()
		o = s.mustApply(config, failed)
		s.holds(s.resumes(2))
		s.at("2027-04-12T08:00:00Z")()
		s.nothingToDo(config, o)
	})
	// The resumed rotation is older than the request, so the request still waits.
	t.Run("a leaked previous key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := func() string { return s.credentials(trigger("2") + sundays) }
		o := s.mustApply(s.credentials(trigger("1")+sundays), object{})
		s.holds(s.keys(2))
		s.at("2027-04-04T15:00:00Z")()
		o = s.waits(config(), o, sunday)
		o = s.waits(s.leaked(config, s.key), o, sunday)
		s.holds(inactive(s.key))
		s.at(sunday)()
		s.mustApply(config(), o)
		s.holds(resource.ComposeTestCheckFunc(s.deployments(2), gone(s.key)))
	})
}

func TestWindowIsMalformed(t *testing.T) {
	t.Parallel()
	for i, test := range []struct{ window, says string }{
		{`{ days = ["someday"], from = "08:00", to = "15:00" }`, `"someday"; valid days are mon, tue`},
		{`{ days = [], from = "08:00", to = "15:00" }`, `["mon", "tue"]`},
		{`{ from = "8h", to = "15:00" }`, `from is "8h"`},
		{`{ from = "08:00", to = "08:00" }`, `from = "00:00" and to = "24:00"`},
		{`{ from = "08:00", to = "08:09" }`, `at least 10m`},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			refusal{config: with("rotation_window = " + test.window), facts: facts(provider.SummaryConfiguration, "rotation_window = ", test.says)}.run(t)
		})
	}
}
