package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// afresh forgets the requests and the warnings of the steps before.
func (s *stage) afresh() {
	s.ResetRequests()
	s.rightsWarnings()
}

// rightsWarnings are the warnings about missing permissions since the last time.
func (s *stage) rightsWarnings() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, warning := range s.warnings {
		if strings.HasPrefix(warning, rotation.SummaryRights) {
			found = append(found, warning)
		}
	}
	s.warnings = nil
	return found
}

// warnsOfRights checks that the one warning about missing permissions has these facts, or that there is none.
func (s *stage) warnsOfRights(facts ...string) error {
	found := s.rightsWarnings()
	switch {
	case len(facts) == 0 && len(found) == 0:
		return nil
	case len(facts) > 0 && len(found) == 1 && says(facts...).MatchString(found[0]):
		return nil
	}
	return fmt.Errorf("the warnings are %q, want %q", found, facts)
}

// planned checks warnings after the first plan of a step that is not applied, which has asked IAM once.
func (s *stage) planned(facts ...string) resource.ConfigPlanChecks {
	check := planCheck(func(plancheck.CheckPlanRequest) error {
		if n := s.asked(rotation.ActionSimulate); n != 1 {
			return fmt.Errorf("IAM was asked %d times, want once", n)
		}
		return s.warnsOfRights(facts...)
	})
	return resource.ConfigPlanChecks{PostApplyPreRefresh: []plancheck.PlanCheck{check}}
}

// A plan that rotates names the one action of the policy that is denied, and what denies it. Where the action reads, the plan
// itself fails.
func TestPlanWarnsOfMissingRights(t *testing.T) {
	t.Parallel()
	const boundary, organization = "denied by the permissions boundary", "denied by a service control policy"
	tests := map[string]struct {
		denial simulator.Denial
		how    string
	}{
		"iam:CreateAccessKey":      {simulator.DeniedImplicitly, "allowed by no policy (implicit deny)"},
		"iam:DeleteAccessKey":      {simulator.DeniedExplicitly, "denied explicitly by a policy (deny-iam:DeleteAccessKey)"},
		"iam:GetAccessKeyLastUsed": {simulator.DeniedByBoundary, boundary},
		"iam:TagUser":              {simulator.DeniedByOrganization, organization},
		"iam:UntagUser":            {simulator.DeniedByBoundary, boundary},
		"iam:UpdateAccessKey":      {simulator.DeniedByOrganization, organization},
		"iam:GetUser":              {denial: simulator.DeniedImplicitly},
		"iam:ListAccessKeys":       {denial: simulator.DeniedImplicitly},
	}
	s := newStage(t)
	steps := []resource.TestStep{
		{Config: s.credentials(adopt(trigger("1")))},
		{
			PreConfig: s.afresh, Config: s.credentials(adopt(trigger("2"))), PlanOnly: true, ExpectNonEmptyPlan: true,
			ConfigPlanChecks: s.planned(),
		},
	}
	denied := ""
	for _, action := range rotation.PolicyActions() {
		test, ok := tests[action]
		if !ok {
			t.Fatalf("%s is not tested", action)
		}
		step := resource.TestStep{
			PreConfig: func() {
				s.AllowAction(denied)
				denied = action
				s.DenyActionBy(action, test.denial)
				s.afresh()
			},
			Config: s.credentials(adopt(trigger("2"))), PlanOnly: true, ExpectNonEmptyPlan: true,
		}
		if test.how == "" {
			step.ExpectError = says(rotation.SummaryForbidden, action)
		} else {
			step.ConfigPlanChecks = s.planned(s.Operator().User().ARN(), s.user.ARN(), action+": "+test.how)
		}
		steps = append(steps, step)
	}
	s.run(steps...)
}

// The first plan of a resource checks too, whether or not it rotates, and so does an import.
func TestFirstPlanWarnsOfMissingRights(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string]string{"rotation": "", "adoption": adopt("")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.DenyAction("iam:UpdateAccessKey")
			s.aws = fmt.Sprintf("assume_role = { role_arn = %q }", s.RoleARN())
			s.run(resource.TestStep{
				Config: s.credentials(arguments), PlanOnly: true, ExpectNonEmptyPlan: true,
				ConfigPlanChecks: s.planned(s.RoleARN(), "iam:UpdateAccessKey"),
			})
		})
	}
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.DenyAction("iam:UpdateAccessKey")
		s.run(resource.TestStep{
			Config: s.credentials(adopt("")), ResourceName: credentialsAddress,
			ImportState: true, ImportStateId: s.org.ID + "/" + s.set.ID, ImportStatePersist: true,
		})
		s.holds(check(func() error { return s.warnsOfRights(s.user.ARN(), "iam:UpdateAccessKey") }))
	})
}

// Where IAM does not tell what is allowed, nothing is said and nothing is held up.
func TestRightsThatNobodyTells(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(s *stage){
		"not allowed to ask": func(s *stage) { s.DenyAction(rotation.ActionSimulate) },
		"another answer":     func(s *stage) { s.FailNext("SimulatePrincipalPolicy", simulator.FaultHTMLAfter) },
		"no answer":          func(s *stage) { s.FailNext("SimulatePrincipalPolicy", simulator.FaultHang) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.DenyAction("iam:UpdateAccessKey")
			prepare(s)
			s.run(resource.TestStep{
				Config: s.credentials(""), PlanOnly: true, ExpectNonEmptyPlan: true, ConfigPlanChecks: s.planned(),
			})
		})
	}
}

// asked tells how often IAM was asked for an action.
func (s *stage) asked(action string) int {
	n := 0
	for _, request := range s.Requests() {
		if simulator.APIIAM+":"+request.Operation == action {
			n++
		}
	}
	return n
}
