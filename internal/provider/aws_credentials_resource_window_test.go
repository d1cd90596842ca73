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

// waitsUntil are checks of a rotation that waits.
func waitsUntil(moment string) []statecheck.StateCheck {
	return []statecheck.StateCheck{
		value(credentialsAddress, "rotation_due", knownvalue.Bool(false)), value(credentialsAddress, "rotation_due_at", text(moment)),
	}
}

// postpones is the plan that remembers that a rotation is asked for.
var postpones = open{credentialsAddress, []string{"rotation_due_at"}}

// rotatedOnce checks that a rotation that waited took place, and leaves no other one behind.
func (s *stage) rotatedOnce(config string) []resource.TestStep {
	return []resource.TestStep{
		{
			Config:            config,
			ConfigPlanChecks:  plans(plancheck.ExpectResourceAction(credentialsAddress, plancheck.ResourceActionUpdate), rotates),
			Check:             resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "previous_access_key_id", text(s.key.ID))},
		},
		{
			PreConfig:        func() { s.Clock().Advance(28 * day) },
			Config:           config,
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
		},
	}
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
		// Somebody asked, and that stays so.
		{Config: s.credentials(adopt(trigger("1") + mondays)), Check: check(s.untouched), ConfigStateChecks: waitsUntil(monday)},
		{
			PreConfig:        s.at("2027-04-05T07:59:59Z"),
			Config:           s.credentials(adopt(trigger("1") + mondays)),
			ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan()),
		},
		// Nobody applied anything on Monday.
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
				steps = append(steps, resource.TestStep{PreConfig: s.at(monday), Config: config, ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())})
			}
			s.run(steps...)
		})
	}
}

// The key is 92 days old on a Tuesday, and somebody changes the triggers too: that is one rotation.
func TestWindowOfAge(t *testing.T) {
	t.Parallel()
	for name, changed := range map[string]string{"alone": "1", "and of triggers": "2"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			config := s.credentials(adopt("rotate_after_days = 92\n  " + trigger(changed) + mondays))
			s.run(append([]resource.TestStep{
				{
					Config:            s.credentials(adopt("rotate_after_days = 92\n  " + trigger("1") + mondays)),
					ConfigStateChecks: waitsUntil("2027-04-12T08:00:00Z"),
				},
				{PreConfig: s.at("2027-04-06T09:00:00Z"), Config: config, Check: check(s.untouched), ConfigStateChecks: waitsUntil("2027-04-12T08:00:00Z")},
				{
					PreConfig:        s.at("2027-04-12T07:59:59Z"),
					Config:           config,
					ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan(), meanwhile(s.at("2027-04-12T08:00:00Z"))), ExpectNonEmptyPlan: true,
				},
			}, s.rotatedOnce(config)...)...)
		})
	}
}

// What waits goes by the window that there is.
func TestWindowIsChanged(t *testing.T) {
	t.Parallel()
	for name, last := range map[string]string{"and removed": "", "and changed to an open one": sundays} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.run(append([]resource.TestStep{
				{Config: s.credentials(adopt(trigger("1") + mondays))},
				{Config: s.credentials(adopt(trigger("2") + mondays)), ConfigStateChecks: waitsUntil(monday)},
				{
					Config: s.credentials(adopt(trigger("2") + nights)), Check: resource.ComposeTestCheckFunc(check(s.untouched),
						s.warned(provider.SummaryRotationWaits, thisNight)),
					ConfigStateChecks: waitsUntil(thisNight),
				},
			}, s.rotatedOnce(s.credentials(adopt(trigger("2")+last)))...)...)
		})
	}
}

func TestWindowAcrossMidnight(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2") + nights))
	steps := append([]resource.TestStep{
		{Config: s.credentials(adopt(trigger("1") + nights))},
		{Config: config, ConfigStateChecks: waitsUntil(thisNight)},
	}, s.rotatedOnce(config)...)
	steps[2].PreConfig = s.at("2027-04-05T03:59:59Z")
	s.run(steps...)
}

// An apply can only postpone what its plan brought.
func TestWindowClosesBeforeTheApply(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	config := s.credentials(adopt(trigger("2") + sundays))
	steps := append([]resource.TestStep{
		{Config: s.credentials(adopt(trigger("1") + sundays))},
		{
			Config:            config,
			ConfigPlanChecks:  plans(rotates, meanwhile(s.at("2027-04-04T15:00:00Z"))),
			Check:             resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, sunday)),
			ConfigStateChecks: waitsUntil(sunday),
		},
	}, s.rotatedOnce(config)...)
	steps[2].PreConfig = s.at(sunday)
	s.run(steps...)
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
	steps := append([]resource.TestStep{{
		Config: s.credentials(mondays),
		ConfigPlanChecks: plans(planCheck(func(plancheck.CheckPlanRequest) error {
			return s.warned(provider.SummaryRotationWaits, monday, s.set.ID, "is adopted")(nil)
		})),
		Check:             resource.ComposeTestCheckFunc(check(s.untouched), s.warned(provider.SummaryRotationWaits, s.key.ID, "was adopted")),
		ConfigStateChecks: waitsUntil(monday),
	}}, s.rotatedOnce(s.credentials(mondays))...)
	steps[1].PreConfig = s.at(monday)
	s.run(steps...)
}

func TestWindowOfACreationInside(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.run(resource.TestStep{
		Config: s.credentials(sundays), Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1)),
		ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "rotation_due_at", knownvalue.Null())},
	})
}

// A rotation that waits for the window waits for its predecessor too: a plan that fails would keep everything else from being applied.
func TestWindowWhileDraining(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	const window = "\n  rotation_window = { from = \"09:00\", to = \"09:10\" }"
	config := s.credentials(trigger("2") + "\n  drain_window = \"24h\"" + window)
	s.run(
		resource.TestStep{Config: s.credentials(trigger("1") + "\n  drain_window = \"24h\"" + window), Check: s.keys(2)},
		resource.TestStep{PreConfig: s.at("2027-04-04T12:00:00Z"), Config: config, ConfigStateChecks: waitsUntil("2027-04-05T09:00:00Z")},
		resource.TestStep{
			PreConfig:         s.at("2027-04-05T09:00:00Z"),
			Config:            config,
			ConfigPlanChecks:  plans(plancheck.ExpectEmptyPlan()),
			ConfigStateChecks: []statecheck.StateCheck{value(credentialsAddress, "rotation_due", knownvalue.Bool(true))},
		},
		resource.TestStep{PreConfig: s.at("2027-04-06T09:00:00Z"), Config: config, Check: resource.ComposeTestCheckFunc(s.deployments(2), gone(s.key))},
	)
}

// Neither a leaked key nor the clusters of an interrupted rotation wait.
func TestWindowDoesNotHoldUp(t *testing.T) {
	t.Parallel()
	t.Run("a leaked key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := func() string { return s.credentials(adopt(trigger("2") + mondays)) }
		s.run(append([]resource.TestStep{
			{Config: s.credentials(adopt(trigger("1") + mondays))},
			{Config: config(), ConfigStateChecks: waitsUntil(monday)},
		}, s.rotatedOnce(s.leaked(config, s.key))...)...)
	})
	t.Run("a leaked key of a creation", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := s.leaked(func() string { return s.credentials(mondays) }, s.key)
		s.run(
			resource.TestStep{Config: config, Check: resource.ComposeTestCheckFunc(s.keys(2), s.deployments(1))},
			resource.TestStep{PreConfig: s.at(monday), Config: config, ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		)
	})
	t.Run("a resume", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := s.credentials(adopt(trigger("2") + mondays))
		s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
		s.run(
			resource.TestStep{Config: s.credentials(adopt(trigger("1") + mondays))},
			resource.TestStep{Config: config, ConfigStateChecks: waitsUntil(monday)},
			resource.TestStep{PreConfig: s.at(monday), Config: config, ExpectError: says(rotation.SummaryDeployment)},
			resource.TestStep{PreConfig: s.at("2027-04-05T15:00:00Z"), Config: config, Check: s.resumes(2)},
			resource.TestStep{PreConfig: s.at("2027-04-12T08:00:00Z"), Config: config, ConfigPlanChecks: plans(plancheck.ExpectEmptyPlan())},
		)
	})
	// What is resumed began before somebody asked, so the request waits on.
	t.Run("a leaked previous key", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		config := func() string { return s.credentials(trigger("2") + sundays) }
		s.run(
			resource.TestStep{Config: s.credentials(trigger("1") + sundays), Check: s.keys(2)},
			resource.TestStep{PreConfig: s.at("2027-04-04T15:00:00Z"), Config: config(), ConfigStateChecks: waitsUntil(sunday)},
			resource.TestStep{Config: s.leaked(config, s.key), Check: inactive(s.key), ConfigStateChecks: waitsUntil(sunday)},
			resource.TestStep{PreConfig: s.at(sunday), Config: config(), Check: resource.ComposeTestCheckFunc(s.deployments(2), gone(s.key))},
		)
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
