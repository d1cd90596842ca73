package rotation

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Rights is what the policies of an identity allow on an IAM user.
type Rights struct {
	// Principal is the ARN of the identity, a user or a role.
	Principal   string
	Evaluations []Evaluation
}

// EvaluationDecision is IAM's decision about an action. The zero value is an unknown decision.
type EvaluationDecision string

// The decisions of IAM's policy simulator.
const (
	DecisionAllowed      EvaluationDecision = "allowed"
	DecisionExplicitDeny EvaluationDecision = "explicitDeny"
	DecisionImplicitDeny EvaluationDecision = "implicitDeny"
)

// Evaluation is IAM's answer about one action.
type Evaluation struct {
	// Action is the name of the action in policies, such as "iam:TagUser".
	Action   string
	Decision EvaluationDecision
	// DeniedByOrganization is true if a service control policy does not allow the action, and DeniedByBoundary if the permissions
	// boundary does not. Other policies cannot change that.
	DeniedByOrganization, DeniedByBoundary bool
	// Policies are those whose statements decided.
	Policies []string
	// Unknown are the keys of conditions whose values IAM was not given. With them, the decision may be different.
	Unknown []string
}

// denial is a way in which an action can be denied.
type denial struct {
	applies func(Evaluation) bool
	text    string
}

// denials are all ways in which an action can be denied. The first one that applies is what must be changed first.
var denials = []denial{
	{isNotDenied, ""},
	{func(e Evaluation) bool { return e.DeniedByOrganization }, "denied by a service control policy (SCP) of the AWS organization"},
	{func(e Evaluation) bool { return e.DeniedByBoundary }, "denied by the permissions boundary"},
	{func(e Evaluation) bool { return e.Decision == DecisionExplicitDeny }, "denied explicitly by a policy"},
	{func(Evaluation) bool { return true }, "allowed by no policy (implicit deny)"},
}

// isNotDenied is true for an uncertain denial too, because a warning about a permission that works is worse than none.
func isNotDenied(e Evaluation) bool {
	return e.Decision == DecisionAllowed || e.Decision == "" || len(e.Unknown) > 0
}

// denial describes how an action is denied. It is empty if the action is allowed.
func (e Evaluation) denial() string {
	i := slices.IndexFunc(denials, func(d denial) bool { return d.applies(e) })
	return denials[i].text
}

// denied lists the denied actions, and how they are denied. The plan has listed the user's keys before. So an answer that
// denies that is about another identity, or from a service that only resembles IAM. It is ignored.
func (r Rights) denied() []string {
	var list []string
	for _, e := range r.Evaluations {
		how := e.denial()
		switch {
		case how == "":
		case e.Action == "iam:ListAccessKeys":
			return nil
		case e.Decision == DecisionExplicitDeny && len(e.Policies) > 0:
			list = append(list, fmt.Sprintf("%s: %s (%s).", e.Action, how, strings.Join(e.Policies, ", ")))
		default:
			list = append(list, fmt.Sprintf("%s: %s.", e.Action, how))
		}
	}
	return list
}

// MissingRights is the warning that policies deny the provider something that a rotation and its cleanup need on the target's
// user. It is nil if they deny nothing, or if IAM does not answer. IAM is asked once for each of the credentials and each plan.
func (r *Rotator) MissingRights(ctx context.Context, target Target) *Problem {
	if target.UserARN == "" {
		return nil
	}
	tagKey := journalTagKey(target.CredentialsID)
	rights, _ := once(ctx, r.reads, "rights on "+target.UserARN, tagKey, func(ctx context.Context) (Rights, error) {
		rights, err := r.iam.Rights(ctx, target.UserARN, tagKey, policyActions)
		if err != nil {
			step(ctx, "permissions are not checked, because the policy simulator of IAM cannot be used", "error", err.Error())
		}
		return rights, nil
	})
	if denied := rights.denied(); len(denied) > 0 {
		return missingRights(rights.Principal, target.UserARN, denied)
	}
	return nil
}
