package rotation

import (
	"slices"
	"testing"
)

func TestDenial(t *testing.T) {
	const (
		organization = "denied by a service control policy (SCP) of the AWS organization"
		boundary     = "denied by the permissions boundary"
		explicit     = "denied explicitly by a policy"
		implicit     = "allowed by no policy (implicit deny)"
	)
	for name, test := range map[string]struct {
		e    Evaluation
		want string
	}{
		"allowed":                       {Evaluation{Decision: DecisionAllowed}, ""},
		"allowed under a condition":     {Evaluation{Decision: DecisionAllowed, Unknown: []string{"aws:PrincipalTag/a"}}, ""},
		"no answer":                     {Evaluation{}, ""},
		"no decision":                   {Evaluation{DeniedByOrganization: true}, ""},
		"no policy":                     {Evaluation{Decision: DecisionImplicitDeny}, implicit},
		"a policy":                      {Evaluation{Decision: DecisionExplicitDeny}, explicit},
		"boundary without the action":   {Evaluation{Decision: DecisionImplicitDeny, DeniedByBoundary: true}, boundary},
		"boundary that denies":          {Evaluation{Decision: DecisionExplicitDeny, DeniedByBoundary: true}, boundary},
		"organization without":          {Evaluation{Decision: DecisionImplicitDeny, DeniedByOrganization: true}, organization},
		"organization that denies":      {Evaluation{Decision: DecisionExplicitDeny, DeniedByOrganization: true}, organization},
		"organization before boundary":  {Evaluation{Decision: DecisionImplicitDeny, DeniedByOrganization: true, DeniedByBoundary: true}, organization},
		"no policy, under a condition":  {Evaluation{Decision: DecisionImplicitDeny, Unknown: []string{"aws:ResourceTag/a"}}, ""},
		"a policy, under a condition":   {Evaluation{Decision: DecisionExplicitDeny, Unknown: []string{"aws:SourceIp"}}, ""},
		"a boundary, under a condition": {Evaluation{Decision: DecisionImplicitDeny, DeniedByBoundary: true, Unknown: []string{"aws:SourceIp"}}, ""},
	} {
		if got := test.e.denial(); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestDenied(t *testing.T) {
	evaluation := func(action string, decision EvaluationDecision, policies ...string) Evaluation {
		return Evaluation{Action: action, Decision: decision, Policies: policies}
	}
	for name, test := range map[string]struct {
		evaluations []Evaluation
		want        []string
	}{
		"nothing is said": {},
		"all is allowed":  {evaluations: []Evaluation{evaluation("iam:TagUser", DecisionAllowed, "rotation")}},
		"some are denied": {
			evaluations: []Evaluation{
				evaluation("iam:ListAccessKeys", DecisionAllowed), evaluation("iam:TagUser", DecisionImplicitDeny),
				evaluation("iam:UntagUser", DecisionExplicitDeny, "no-tags", "nothing"),
			},
			want: []string{"iam:TagUser: allowed by no policy (implicit deny).", "iam:UntagUser: denied explicitly by a policy (no-tags, nothing)."},
		},
		"an answer that is proven wrong": {
			evaluations: []Evaluation{evaluation("iam:TagUser", DecisionImplicitDeny), evaluation("iam:ListAccessKeys", DecisionImplicitDeny)},
		},
	} {
		if got := (Rights{Evaluations: test.evaluations}).denied(); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// refusalsOfRights are the texts of refusals_rights.go.
func refusalsOfRights() []refusal {
	return []refusal{{"missingRights", "a warning", missingRights("arn:aws:iam::123456789012:role/key-rotation", testARN, Rights{Evaluations: []Evaluation{
		{Action: "iam:CreateAccessKey", Decision: DecisionImplicitDeny},
		{Action: "iam:DeleteAccessKey", Decision: DecisionExplicitDeny, DeniedByOrganization: true},
		{Action: "iam:TagUser", Decision: DecisionExplicitDeny, Policies: []string{"no-tags"}},
		{Action: "iam:UpdateAccessKey", Decision: DecisionImplicitDeny, DeniedByBoundary: true},
	}}.denied())}}
}
