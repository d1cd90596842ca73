package provider_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// afresh forgets the requests and the warnings of the steps before.
func (s *stage) afresh() {
	s.ResetRequests()
	s.rightsWarnings()
}

// rightsWarnings returns the warnings about missing permissions since the last call.
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

// planWarns checks the warnings of a plan, which asks IAM's policy simulator once.
func (s *stage) planWarns(config string, before object, facts ...string) {
	s.t.Helper()
	s.afresh()
	p, err := s.open(config)
	s.must(err)
	_, err = p.plan(before)
	s.must(err)
	if n := s.asked(rotation.ActionSimulate); n != 1 {
		s.t.Errorf("IAM was asked %d times, want once", n)
	}
	s.must(s.warnsOfRights(facts...))
}

// A plan that rotates names the denied action of the policy, and what denies it. If the plan itself needs the action, it fails.
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
	before := s.mustApply(s.credentials(adopt(trigger("1"))), object{})
	config := s.credentials(adopt(trigger("2")))
	s.planWarns(config, before)
	for _, action := range rotation.PolicyActions() {
		test, ok := tests[action]
		if !ok {
			t.Fatalf("%s is not tested", action)
		}
		s.DenyActionBy(action, test.denial)
		if test.how == "" {
			_, err := s.apply(config, before)
			s.fails(err, rotation.SummaryForbidden, action)
			s.unchanged()
		} else {
			s.planWarns(config, before, s.Operator().User().ARN(), s.user.ARN(), action+": "+test.how)
		}
		s.AllowAction(action)
	}
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
			s.planWarns(s.credentials(arguments), object{}, s.RoleARN(), "iam:UpdateAccessKey")
		})
	}
	t.Run("import", func(t *testing.T) {
		t.Parallel()
		s := newStage(t)
		s.DenyAction("iam:UpdateAccessKey")
		p, err := s.open(s.credentials(adopt("")))
		s.must(err)
		s.must(p.imports(s.org.ID + "/" + s.set.ID))
		s.holds(check(func() error { return s.warnsOfRights(s.user.ARN(), "iam:UpdateAccessKey") }))
	})
}

// If IAM does not answer what is allowed, the plan neither warns nor fails.
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
			s.planWarns(s.credentials(""), object{})
		})
	}
}

// asked returns the number of requests to IAM for an action.
func (s *stage) asked(action string) int {
	n := 0
	for _, request := range s.Requests() {
		if simulator.APIIAM+":"+request.Operation == action {
			n++
		}
	}
	return n
}
