package simulator

import (
	"net/http"
	"strings"
)

type simulatePrincipalPolicyResult struct {
	IsTruncated       bool
	EvaluationResults []xmlEvaluation `xml:"EvaluationResults>member"`
}

type xmlEvaluation struct {
	EvalActionName    string
	EvalResourceName  string
	EvalDecision      string
	MatchedStatements []xmlStatement `xml:"MatchedStatements>member"`
}

type xmlStatement struct {
	SourcePolicyID   string `xml:"SourcePolicyId"`
	SourcePolicyType string
}

// simulatePrincipalPolicy tells what a user or a role may do. It takes no session for a role, as AWS does not.
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
		for _, resource := range resources {
			result.EvaluationResults = append(result.EvaluationResults, w.evaluate(principal, action, resource))
		}
	}
	return result, nil
}

// principal is whom an ARN names: the account's role is a caller without a user.
func (a *Account) principal(arn string) (caller, error) {
	if arn == a.RoleARN() {
		return caller{account: a, arn: arn}, nil
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

// evaluate decides about one action on one resource, as requests are decided about.
func (w *World) evaluate(principal caller, action, resource string) xmlEvaluation {
	e := xmlEvaluation{EvalActionName: action, EvalResourceName: resource}
	switch {
	case w.denied[action]:
		e.EvalDecision = "explicitDeny"
		e.MatchedStatements = []xmlStatement{{"deny-" + action, "IAM Policy"}}
	case principal.administers(), resource == principal.arn:
		e.EvalDecision = "allowed"
		e.MatchedStatements = []xmlStatement{{"allow", "IAM Policy"}}
	default:
		e.EvalDecision = "implicitDeny"
	}
	return e
}

// members lists the values of a parameter that is a list.
func members(call *awsCall, list string) []string {
	var values []string
	for i := 1; call.form.Has(member(list, i)); i++ {
		values = append(values, call.form.Get(member(list, i)))
	}
	return values
}
