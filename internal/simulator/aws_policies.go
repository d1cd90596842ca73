package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// Denial is the reason why an action is denied.
type Denial int

// The reasons of a denial.
const (
	deniedByNothing Denial = iota
	// DeniedExplicitly means that a statement of one of the caller's policies denies the action.
	DeniedExplicitly
	// DeniedImplicitly means that no policy of the caller allows the action.
	DeniedImplicitly
	// DeniedByBoundary means that the caller's permissions boundary does not allow the action.
	DeniedByBoundary
	// DeniedByOrganization means that a service control policy denies the action.
	DeniedByOrganization
)

// DenyAction denies an action, such as "iam:TagUser", to everybody.
func (w *World) DenyAction(action string) { w.DenyActionBy(action, DeniedExplicitly) }

// DenyActionBy is DenyAction with a reason.
func (w *World) DenyActionBy(action string, denial Denial) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.denied[action] = denial
}

// AllowAction undoes DenyAction.
func (w *World) AllowAction(action string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.denied, action)
}

// ExpectActions makes every other action of IAM a violation, if the caller may administer users.
func (w *World) ExpectActions(actions ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.expected = actions
}

// judgeAction checks an action of a caller that may administer users. The actions that try a user's own key need no policy.
func (w *World) judgeAction(call *awsCall) {
	if !call.caller.administers() {
		return
	}
	if action := call.api + ":" + call.action; call.api == APIIAM && len(w.expected) > 0 && !slices.Contains(w.expected, action) {
		w.violated(ViolationAction, "%s is not among the expected actions", action)
	}
}

type simulatePrincipalPolicyResult struct {
	IsTruncated       bool
	EvaluationResults []xmlEvaluation `xml:"EvaluationResults>member"`
}

// xmlEvaluation is the result for all resources. EvalResourceName is not a resource, but a pattern.
type xmlEvaluation struct {
	EvalActionName              string
	EvalResourceName            string
	EvalDecision                string
	MatchedStatements           []xmlStatement `xml:"MatchedStatements>member"`
	OrganizationsDecisionDetail xmlOrganizations
	Boundary                    xmlBoundary   `xml:"PermissionsBoundaryDecisionDetail"`
	ResourceSpecificResults     []xmlSpecific `xml:"ResourceSpecificResults>member"`
}

type xmlOrganizations struct{ AllowedByOrganizations bool }

type xmlBoundary struct{ AllowedByPermissionsBoundary bool }

type xmlSpecific struct {
	EvalResourceName     string
	EvalResourceDecision string
}

type xmlStatement struct {
	SourcePolicyID   string `xml:"SourcePolicyId"`
	SourcePolicyType string
}

// simulatePrincipalPolicy evaluates the policies of a user or a role. Like AWS, it does not accept a session of a role.
func (w *World) simulatePrincipalPolicy(call *awsCall) (any, error) {
	if !call.caller.administers() {
		return nil, accessDenied(call)
	}
	principal, err := call.caller.account.principal(call.form.Get("PolicySourceArn"))
	if err != nil {
		return nil, err
	}
	actions, resources := members(call, "ActionNames"), members(call, "ResourceArns")
	if len(actions) == 0 {
		return nil, invalid("ActionNames is required.")
	}
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	var result simulatePrincipalPolicyResult
	for _, action := range actions {
		result.EvaluationResults = append(result.EvaluationResults, w.evaluate(principal, action, resources))
	}
	return result, nil
}

// principal returns the identity with an ARN. The account's role is a caller without a user.
func (a *Account) principal(arn string) (caller, error) {
	if arn == a.RoleARN() {
		return caller{account: a, arn: arn}, nil
	}
	if strings.HasPrefix(arn, a.iamARN("role/")) {
		return caller{}, missing("The role with ARN " + arn + " cannot be found.")
	}
	name, ok := strings.CutPrefix(arn, a.iamARN("user/"))
	if !ok {
		return caller{}, &awsError{http.StatusBadRequest, "InvalidInput", "Invalid Entity Arn: " + arn + " does not clearly define entity type and name."}
	}
	u := a.users[name]
	if u == nil {
		return caller{}, missing("The user with name " + name + " cannot be found.")
	}
	return caller{account: a, user: u, arn: arn}, nil
}

// evaluate evaluates one action like a request for it. The decision is the most restrictive one of all resources.
func (w *World) evaluate(principal caller, action string, resources []string) xmlEvaluation {
	denial := w.denied[action]
	e := xmlEvaluation{
		EvalActionName: action, EvalResourceName: "arn:${Partition}:iam::${Account}:user/${UserNameWithPath}", EvalDecision: "allowed",
		OrganizationsDecisionDetail: xmlOrganizations{denial != DeniedByOrganization}, Boundary: xmlBoundary{denial != DeniedByBoundary},
	}
	for _, resource := range resources {
		specific := xmlSpecific{resource, "allowed"}
		switch {
		case denial == DeniedExplicitly, denial == DeniedByOrganization:
			specific.EvalResourceDecision = "explicitDeny"
		case denial != deniedByNothing, !principal.administers() && resource != principal.arn:
			specific.EvalResourceDecision = "implicitDeny"
		}
		if specific.EvalResourceDecision != "allowed" {
			e.EvalDecision = specific.EvalResourceDecision
		}
		e.ResourceSpecificResults = append(e.ResourceSpecificResults, specific)
	}
	switch {
	case e.EvalDecision == "allowed":
		e.MatchedStatements = []xmlStatement{{"allow", "IAM Policy"}}
	case denial == DeniedExplicitly:
		e.MatchedStatements = []xmlStatement{{"deny-" + action, "IAM Policy"}}
	}
	return e
}

// members returns the values of a list parameter.
func members(call *awsCall, list string) []string {
	var values []string
	for i := 1; call.form.Has(member(list, i)); i++ {
		values = append(values, call.form.Get(member(list, i)))
	}
	return values
}
