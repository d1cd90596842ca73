package simulator

import (
	"maps"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

func TestSimulatePrincipalPolicy(t *testing.T) {
	p := newProduction(t)
	other := p.w.AddUser("other")
	client := iamClient(p.w, p.w.Operator())
	simulate := func(source, resource string) (map[string]string, error) {
		answer, err := client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: &source, ActionNames: []string{"iam:TagUser", "iam:GetUser"}, ResourceArns: []string{resource},
		})
		if err != nil {
			return nil, err
		}
		decisions := map[string]string{}
		for _, result := range answer.EvaluationResults {
			decisions[*result.EvalActionName] = string(result.EvalDecision)
			specific := result.ResourceSpecificResults[0]
			if *specific.EvalResourceName != resource || specific.EvalResourceDecision != result.EvalDecision {
				t.Errorf("the resource is %s: %s, want %s: %s", *specific.EvalResourceName, specific.EvalResourceDecision, resource, result.EvalDecision)
			}
			if denied := result.EvalDecision == "explicitDeny"; denied && *result.MatchedStatements[0].SourcePolicyId == "" {
				t.Errorf("the statement is %v", result.MatchedStatements[0])
			}
		}
		return decisions, nil
	}
	p.w.DenyAction("iam:TagUser")
	for what, c := range map[string]struct {
		source, resource string
		tag, get         string
	}{
		"the operator":         {p.w.Operator().User().ARN(), p.user.ARN(), "explicitDeny", "allowed"},
		"the role":             {p.w.RoleARN(), p.user.ARN(), "explicitDeny", "allowed"},
		"a user on itself":     {p.user.ARN(), p.user.ARN(), "explicitDeny", "allowed"},
		"a user on another":    {p.user.ARN(), other.ARN(), "explicitDeny", "implicitDeny"},
		"a user on everything": {p.user.ARN(), "*", "explicitDeny", "implicitDeny"},
	} {
		got := must(simulate(c.source, c.resource))(t)
		if want := map[string]string{"iam:TagUser": c.tag, "iam:GetUser": c.get}; !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	elsewhere := p.w.AddAccount("210987654321").AddUser("qovery").ARN()
	for source, want := range map[string]string{
		"arn:aws:sts::123456789012:assumed-role/rotation/test": "InvalidInput",
		elsewhere:                               "InvalidInput",
		"arn:aws:iam::123456789012:user/nobody": "NoSuchEntity",
		"arn:aws:iam::123456789012:role/nobody": "NoSuchEntity",
	} {
		if _, err := simulate(source, "*"); awsCode(err) != want {
			t.Errorf("%s: %v, want %s", source, err, want)
		}
	}
	if got := p.w.Mutations(); len(got) != 0 {
		t.Errorf("the changes are %v", got)
	}
	p.w.DenyAction("iam:SimulatePrincipalPolicy")
	if _, err := simulate(p.user.ARN(), "*"); awsCode(err) != "AccessDenied" {
		t.Errorf("who may not ask: %v", err)
	}
}

func TestDenials(t *testing.T) {
	p := newProduction(t)
	client := iamClient(p.w, p.w.Operator())
	for denial, want := range map[Denial]struct {
		decision                   types.PolicyEvaluationDecisionType
		byOrganization, byBoundary bool
	}{
		DeniedExplicitly:     {decision: types.PolicyEvaluationDecisionTypeExplicitDeny},
		DeniedImplicitly:     {decision: types.PolicyEvaluationDecisionTypeImplicitDeny},
		DeniedByBoundary:     {decision: types.PolicyEvaluationDecisionTypeImplicitDeny, byBoundary: true},
		DeniedByOrganization: {decision: types.PolicyEvaluationDecisionTypeExplicitDeny, byOrganization: true},
	} {
		p.w.DenyActionBy("iam:GetUser", denial)
		answer := must(client.SimulatePrincipalPolicy(t.Context(), &iam.SimulatePrincipalPolicyInput{
			PolicySourceArn: aws.String(p.w.RoleARN()), ActionNames: []string{"iam:GetUser"}, ResourceArns: []string{p.user.ARN(), "*"},
		}))(t)
		got := answer.EvaluationResults[0]
		if len(answer.EvaluationResults) != 1 || got.EvalDecision != want.decision ||
			got.OrganizationsDecisionDetail.AllowedByOrganizations == want.byOrganization ||
			got.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary == want.byBoundary {
			t.Errorf("%d: %+v, want %+v", denial, got, want)
		}
		if _, err := client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("qovery")}); awsCode(err) != "AccessDenied" {
			t.Errorf("%d: %v", denial, err)
		}
	}
}

func TestUnexpectedActions(t *testing.T) {
	w := must(Start(Config{}))(t)
	defer w.Close()
	w.AddUser("qovery")
	client := iamClient(w, w.Operator())
	get := func() { must(client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("qovery")}))(t) }
	get()
	w.ExpectActions("iam:GetUser")
	get()
	if got := w.Violations(); len(got) != 0 {
		t.Errorf("the violations are %v", got)
	}
	w.ExpectActions("iam:TagUser")
	get()
	if got := w.Violations(); len(got) != 1 || !strings.HasPrefix(got[0], string(ViolationAction)) {
		t.Errorf("the violations are %v", got)
	}
}

func TestSetTagsReplacesThemAll(t *testing.T) {
	p := newProduction(t)
	p.user.SetTag("qoveryrotation:1", "journal")
	want := map[string]string{"team": "platform"}
	p.user.SetTags(want)
	if got := p.user.Tags(); !maps.Equal(got, want) {
		t.Errorf("the tags are %v, want %v", got, want)
	}
	p.user.SetTag("more", "")
	listed := must(iamClient(p.w, p.w.Operator()).ListUserTags(t.Context(), &iam.ListUserTagsInput{UserName: aws.String("qovery")}))(t)
	if len(want) != 1 || len(listed.Tags) != 2 {
		t.Errorf("the tags are %v, and those that were set %v", listed.Tags, want)
	}
}
