package awsiam

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const (
	rotatedUser = "arn:aws:iam::123456789012:user/qovery"
	rotationTag = "qoveryrotation:creds"
	sessionARN  = "arn:aws:sts::123456789012:assumed-role/rotation/nightly"
	roleARN     = "arn:aws:iam::123456789012:role/rotation"
	pathARN     = "arn:aws:iam::123456789012:role/platform/eu/rotation"
)

// callerIs answers GetCallerIdentity with an ARN.
func callerIs(arn string) http.HandlerFunc {
	return result("GetCallerIdentity", "<Arn>"+arn+"</Arn><Account>123456789012</Account>")
}

// evaluated returns the only page of an evaluation of one action. The XML in more is added to the result.
func evaluated(action, decision, more string) string {
	return "<IsTruncated>false</IsTruncated><EvaluationResults><member><EvalActionName>" + action + "</EvalActionName><EvalDecision>" + decision +
		"</EvalDecision>" + more + "</member></EvaluationResults>"
}

func rightsOf(ctx context.Context, c *Client) (rotation.Rights, error) {
	return c.Rights(ctx, rotatedUser, rotationTag, []string{"iam:GetUser", "iam:TagUser"})
}

func TestRights(t *testing.T) {
	statements := func(id string) string {
		return "<MatchedStatements><member><SourcePolicyId>" + id + "</SourcePolicyId></member></MatchedStatements>"
	}
	for name, test := range map[string]struct {
		decision, more string
		want           rotation.Evaluation
	}{
		"allowed":         {"allowed", statements("p"), rotation.Evaluation{Decision: rotation.DecisionAllowed, Policies: []string{"p"}}},
		"implicitly":      {"implicitDeny", "", rotation.Evaluation{Decision: rotation.DecisionImplicitDeny}},
		"explicitly":      {"explicitDeny", statements("no"), rotation.Evaluation{Decision: rotation.DecisionExplicitDeny, Policies: []string{"no"}}},
		"in some new way": {"newDeny", "", rotation.Evaluation{}},
		"by no decision":  {"", "", rotation.Evaluation{}},
		"inside of bounds": {
			"allowed", "<OrganizationsDecisionDetail><AllowedByOrganizations>true</AllowedByOrganizations></OrganizationsDecisionDetail>" +
				"<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>true</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>",
			rotation.Evaluation{Decision: rotation.DecisionAllowed},
		},
		"by the organization": {
			"explicitDeny", "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations></OrganizationsDecisionDetail>",
			rotation.Evaluation{Decision: rotation.DecisionExplicitDeny, DeniedByOrganization: true},
		},
		"by the boundary": {
			"implicitDeny",
			"<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail>",
			rotation.Evaluation{Decision: rotation.DecisionImplicitDeny, DeniedByBoundary: true},
		},
		"by the boundary on this user": {
			"implicitDeny", "<ResourceSpecificResults><member><PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false" +
				"</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail></member></ResourceSpecificResults>",
			rotation.Evaluation{Decision: rotation.DecisionImplicitDeny, DeniedByBoundary: true},
		},
		"under conditions": {
			"implicitDeny", "<MissingContextValues><member>a</member></MissingContextValues><ResourceSpecificResults><member>" +
				"<MissingContextValues><member>b</member></MissingContextValues></member></ResourceSpecificResults>",
			rotation.Evaluation{Decision: rotation.DecisionImplicitDeny, Unknown: []string{"a", "b"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeAWS(t, map[string][]http.HandlerFunc{
				"GetCallerIdentity":       {callerIs(sessionARN)},
				"SimulatePrincipalPolicy": {result("SimulatePrincipalPolicy", evaluated("iam:TagUser", test.decision, test.more))},
			})
			test.want.Action = "iam:TagUser"
			got, err := rightsOf(t.Context(), newTestClient(t, fake.config()))
			if want := (rotation.Rights{Principal: roleARN, Evaluations: []rotation.Evaluation{test.want}}); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v, want %+v", got, err, want)
			}
			for parameter, want := range map[string]string{
				"PolicySourceArn": roleARN, "ActionNames.member.2": "iam:TagUser", "ResourceArns.member.1": rotatedUser,
				"ContextEntries.member.1.ContextKeyName": "aws:TagKeys", "ContextEntries.member.1.ContextKeyValues.member.1": rotationTag,
			} {
				if got := fake.requests()[1].form[parameter]; !slices.Equal(got, []string{want}) {
					t.Errorf("%s = %v, want %s", parameter, got, want)
				}
			}
		})
	}
}

func TestRightsReadsEveryPage(t *testing.T) {
	first := strings.Replace(evaluated("iam:GetUser", "allowed", ""), "<IsTruncated>false", "<Marker>next</Marker><IsTruncated>true", 1)
	fake := newFakeAWS(t, map[string][]http.HandlerFunc{
		"GetCallerIdentity": {callerIs(rotatedUser)},
		"SimulatePrincipalPolicy": {
			result("SimulatePrincipalPolicy", first), result("SimulatePrincipalPolicy", evaluated("iam:TagUser", "allowed", "")),
		},
	})
	rights, err := rightsOf(t.Context(), newTestClient(t, fake.config()))
	if err != nil || len(rights.Evaluations) != 2 || rights.Evaluations[1].Action != "iam:TagUser" {
		t.Errorf("got %+v, %v", rights, err)
	}
}

// Neither request is repeated after an error.
func TestRightsThatNobodyTells(t *testing.T) {
	for name, test := range map[string]struct {
		identity, simulation http.HandlerFunc
		want                 error
		wantRequests         int
	}{
		"denied":             {callerIs(rotatedUser), fault(403, "AccessDenied", "no"), rotation.ErrForbidden, 2},
		"not implemented":    {callerIs(rotatedUser), fault(400, "InvalidAction", "what"), rotation.ErrRejected, 2},
		"role with a path":   {callerIs(sessionARN), fault(404, "NoSuchEntity", "role"), rotation.ErrNotFound, 2},
		"a failure":          {callerIs(rotatedUser), fault(500, "ServiceFailure", "sorry"), nil, 2},
		"no identity":        {fault(500, "ServiceFailure", "sorry"), nil, nil, 1},
		"the account itself": {callerIs("arn:aws:iam::123456789012:root"), nil, rotation.ErrRejected, 1},
	} {
		t.Run(name, func(t *testing.T) {
			fake := newFakeAWS(t, map[string][]http.HandlerFunc{"GetCallerIdentity": {test.identity}, "SimulatePrincipalPolicy": {test.simulation}})
			config := fake.config()
			config.MaxRetries = 5
			client := newTestClient(t, config)
			_, err := rightsOf(t.Context(), client)
			if _, ok := errors.AsType[*Error](err); !ok || rotation.IsDefinite(err) != (test.want != nil) || test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if got := len(fake.requests()); got != test.wantRequests {
				t.Errorf("%d requests, want %d", got, test.wantRequests)
			}
		})
	}
}

func TestPrincipalOf(t *testing.T) {
	for _, test := range []struct {
		caller string
		roles  []string
		want   string
	}{
		{rotatedUser, []string{roleARN}, rotatedUser},
		{"arn:aws-cn:iam::123456789012:user/system/ci", nil, "arn:aws-cn:iam::123456789012:user/system/ci"},
		{sessionARN, nil, roleARN},
		{sessionARN, []string{"", roleARN}, roleARN},
		{sessionARN, []string{"arn:aws:iam::123456789012:role/platform/other", pathARN}, pathARN},
		{sessionARN, []string{"arn:aws:iam::210987654321:role/platform/rotation"}, roleARN},
		{sessionARN, []string{"arn:aws:iam::123456789012:role/platform/key-rotation"}, roleARN},
		{"arn:aws-us-gov:sts::123456789012:assumed-role/rotation/nightly", []string{pathARN}, "arn:aws-us-gov:iam::123456789012:role/rotation"},
		{"arn:aws:sts::123456789012:federated-user/somebody", nil, ""},
		{"arn:aws:iam::123456789012:root", nil, ""},
		{"somebody", nil, ""},
	} {
		if got := principalOf(test.caller, test.roles); got != test.want {
			t.Errorf("%s with the roles %v: %q, want %q", test.caller, test.roles, got, test.want)
		}
	}
}

// TestRolesOf checks that a role is known with its path, wherever it is configured.
func TestRolesOf(t *testing.T) {
	config := newFakeAWS(t, nil).config()
	t.Setenv("AWS_ROLE_ARN", pathARN)
	base := baseConfig(config)
	resolved, err := setDefaults(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if got := rolesOf(config, resolved); !slices.Contains(got, pathARN) {
		t.Errorf("the role of the environment is not among %q", got)
	}
	config.AssumeRole = &AssumeRole{RoleARN: "first"}
	config.AssumeRoleWithWebIdentity = &AssumeRoleWithWebIdentity{RoleARN: "second"}
	if got := rolesOf(config, aws.Config{}); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("the configured roles are %q", got)
	}
}
