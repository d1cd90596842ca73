package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// The texts for refusals before anything is changed. Each has four parts: the cause, the state of AWS and Qovery, what to do,
// and the original error.

// NotStatic is the problem of credentials that have no access key to rotate.
func NotStatic(set CredentialsSet) *Problem {
	return &Problem{
		Summary: SummaryNotStatic,
		Cause: fmt.Sprintf("The credentials %q (%s) have the type %s. Only credentials of the type %s hold an AWS access key that can be rotated.",
			set.Name, set.ID, set.Type, CredentialsTypeStatic),
		World:    worldUntouched,
		Advice:   "Remove this resource: there is nothing to rotate.",
		Argument: ArgumentCredentialsID,
	}
}

func (v view) notStatic() *Problem { return NotStatic(*v.Set) }

// wrongAccount is the problem of a provider that looks into another account than the recorded one.
func wrongAccount(target Target, account string) *Problem {
	recorded := accountOf(target.UserARN)
	return &Problem{
		Summary: SummaryWrongAccount,
		Cause: fmt.Sprintf("The provider uses the AWS account %s. The access keys belong to the IAM user %s, in the account %s.",
			account, target.UserARN, recorded),
		World:    "Nothing was changed, and nothing was recorded.",
		Advice:   "Give the provider AWS credentials of the account " + recorded + ".",
		Argument: ArgumentIAMUserName,
	}
}

func (v view) userNotFound() *Problem {
	return &Problem{
		Summary: SummaryUserNotFound,
		Cause:   fmt.Sprintf("The AWS account that the provider uses has no IAM user %q.", v.UserName),
		World:   worldUntouched,
		Advice: "Correct iam_user_name or remove the argument, and check that the provider's AWS credentials are of the account that the " +
			"key belongs to.",
		Argument: ArgumentIAMUserName,
	}
}

func (v view) wrongUser() *Problem {
	return &Problem{
		Summary:  SummaryWrongUser,
		Cause:    fmt.Sprintf("Qovery holds the access key %s, which belongs to the IAM user %q, not to %q.", v.Set.AccessKeyID, v.Owner, v.UserName),
		World:    worldUntouched,
		Advice:   "Correct iam_user_name, or remove the argument to rotate the keys of the user that owns Qovery's key.",
		Argument: ArgumentIAMUserName,
	}
}

func (v view) cutOff() *Problem {
	fact := "does not exist in the AWS account that the provider uses"
	switch {
	case v.Current != nil:
		fact = "is Inactive"
	case v.UserName != "":
		fact = fmt.Sprintf("is not a key of the IAM user %q", v.UserName)
	}
	advice := "Check that the provider's AWS credentials are of the right account. If they are, put a key that works into Qovery, or make this one " +
		"Active, and deploy the clusters. This resource rotates it from then on."
	if v.UserARN != "" && v.UserARN == cmp.Or(v.User.ARN, v.UserARN) {
		advice = "Ask for a rotation, which gives Qovery a key that works. Do one of these:\n" +
			"  - If the key leaked, list it in compromised_access_key_ids of the provider block.\n" +
			"  - Change a value of rotation_triggers.\n" +
			"  - Run terraform apply with -replace for this resource, where rotate_on_create is true."
	}
	return &Problem{
		Summary:  SummaryCutOff,
		Cause:    fmt.Sprintf("Qovery holds the access key %s, which %s. Qovery cannot use AWS with it.", v.Set.AccessKeyID, fact),
		World:    worldUntouched,
		Advice:   advice,
		Argument: ArgumentCredentialsID,
	}
}

// cutOffNow is the warning of a refresh.
func (v view) cutOffNow() *Problem {
	problem := v.cutOff()
	problem.Argument = ArgumentNone
	return problem
}

func (v view) unknownJournal() *Problem {
	return unknownJournal(v.User.Name, v.CredentialsID, v.JournalError)
}

func unknownJournal(userName, credentialsID string, err error) *Problem {
	return &Problem{
		Summary: SummaryForeignJournal,
		Cause:   fmt.Sprintf("The tag %q of IAM user %q does not hold a journal of this provider.", journalTagKey(credentialsID), userName),
		World:   worldUntouched,
		Advice: fmt.Sprintf("Find out who wrote the tag. If nobody needs it, remove it: aws iam untag-user --user-name %s --tag-keys %s",
			userName, journalTagKey(credentialsID)),
		Argument: ArgumentIAMUserName,
		Err:      err,
	}
}

func (v view) putBack() *Problem {
	j := v.Journal
	return &Problem{
		Summary: SummaryKeyChanged,
		Cause: fmt.Sprintf("A rotation replaced the access key %s by %s in Qovery, and somebody put %s back. Clusters may run with either key.",
			j.From, j.To, j.From),
		World: fmt.Sprintf("Nothing was changed. The IAM user %q has both keys.", v.User.Name),
		Advice: fmt.Sprintf("Deploy the clusters in Qovery so that they run with %[1]s. After the drain window, delete %[2]s and the journal:\n"+
			"  - aws iam delete-access-key --user-name %[3]s --access-key-id %[2]s\n  - aws iam untag-user --user-name %[3]s --tag-keys %[4]s\n"+
			"If the Qovery provider manages the same credentials, stop it from writing the key.",
			j.From, j.To, v.User.Name, journalTagKey(v.CredentialsID)),
	}
}

func (v view) keyChanged() *Problem {
	return &Problem{
		Summary: SummaryKeyChanged,
		Cause: fmt.Sprintf("Qovery holds the access key %s. The plan was made for %s. Somebody replaced the key in between.",
			v.Set.AccessKeyID, v.Record.AccessKeyID),
		World:  worldUntouched,
		Advice: "Run a new plan, without -refresh=false. It starts from the key that is there now.",
	}
}

// keyReplaced is the warning of a refresh about a key that somebody else put into Qovery.
func (v view) keyReplaced(known string) *Problem {
	current := v.Set.AccessKeyID
	return &Problem{
		Summary: SummaryKeyReplaced,
		Cause: fmt.Sprintf("Qovery holds the access key %s in place of %s, and this resource did not put it there. Whether every cluster runs with it is unknown.",
			current, known),
		World:  fmt.Sprintf("The IAM user %q has both keys.", v.Owner),
		Advice: fmt.Sprintf("The next apply deploys the clusters with %s. The drain window of %s begins then.", current, known),
	}
}

func (v view) signs() *Problem { return signsWith(v.Set.AccessKeyID) }

func signsWith(accessKeyID string) *Problem {
	return &Problem{
		Summary: SummarySignsWithKey,
		Cause: fmt.Sprintf("The provider signs its own AWS requests with the access key %s. It would lose access during the rotation, or when the "+
			"key is deleted.", accessKeyID),
		World:  worldUntouched,
		Advice: "Give the provider AWS credentials of its own, such as a role (see the provider's argument aws).",
	}
}

func (v view) otherRotation() *Problem {
	i := slices.IndexFunc(v.OtherJournals, v.isUnfinished)
	j := v.OtherJournals[i]
	problem := &Problem{
		Summary: SummaryOtherRotation,
		Cause: fmt.Sprintf("A rotation of the access key %s of the same IAM user %q, for the credentials %s, is unfinished since %s.",
			j.From, v.User.Name, j.CredentialsID, j.At.UTC().Format(time.RFC3339)),
		World:  worldUntouched,
		Advice: "Finish that rotation: apply the configuration that manages those credentials, then apply this one.",
	}
	if j.Stage == StageDeployed {
		problem.Cause = fmt.Sprintf("The credentials %q hold access key %s, which was replaced by %s for the credentials %s of the same IAM user %q.",
			v.Set.Name, j.From, j.To, j.CredentialsID, v.User.Name)
		problem.Advice = fmt.Sprintf("Do one of these:\n"+
			"  - Apply the configuration that manages those credentials after %s. That gives both a new key. It needs rotate_registries = true.\n"+
			"  - Give one of the two the key of another IAM user.", j.drainEndsAt().UTC().Format(time.RFC3339))
	}
	return problem
}

// otherRun is the problem that another run rotates the same key.
func otherRun(userName string, err error) *Problem {
	return &Problem{
		Summary: SummaryOtherRotation,
		Cause:   fmt.Sprintf("Another run is rotating the access key of the IAM user %q at this moment.", userName),
		World:   "This run made no lasting changes. The other one continues.",
		Advice:  "Wait until that run has ended, then run a new plan.",
		Err:     err,
	}
}

// attemptMayBeAlive is the problem of a journal that is too young for its rotation to be dead.
func attemptMayBeAlive(userName string, j Journal) *Problem {
	problem := otherRun(userName, nil)
	problem.World = worldUntouched
	problem.Advice = fmt.Sprintf("Apply again after %s. If the other run was interrupted, its rotation is rolled back then.",
		j.At.Add(livePeriod).UTC().Format(time.RFC3339))
	return problem
}

func (v view) ignoredRegistry() *Problem {
	return &Problem{
		Summary: SummaryIgnoredRegistry,
		Cause: fmt.Sprintf("The argument ignored_holders names %s. Every deployment of the cluster and of its environments logs in with this registry's key, "+
			"so they would fail when the previous access key is deleted.", listOf(v.ignoredRegistries())),
		World:    worldUntouched,
		Advice:   "Remove the id of the registry from ignored_holders, or give the registry a key of another IAM user in Qovery.",
		Argument: ArgumentIgnoredHolders,
	}
}

func (v view) unrotatable() *Problem {
	var obstacles strings.Builder
	for _, holder := range v.unrotatableHolders() {
		fmt.Fprintf(&obstacles, "\n  - %s: %s", holder, holder.Obstacle)
	}
	return &Problem{
		Summary: SummaryUnrotatableHolder,
		Cause: fmt.Sprintf("The access key %s is also stored in objects that cannot be given the new one. They would keep a key that is going to be deleted:%s",
			v.Set.AccessKeyID, &obstacles),
		World:  worldUntouched,
		Advice: "Give these objects a key of another IAM user, or a role. To rotate without them, list their ids in ignored_holders.",
	}
}

func (v view) tooFewRequests() *Problem {
	until := "when the limit is reset, after an hour at most"
	if !v.Budget.ResetsAt.IsZero() {
		until = "after " + v.Budget.ResetsAt.UTC().Format(time.RFC3339)
	}
	return &Problem{
		Summary: SummaryTooFewRequests,
		Cause: fmt.Sprintf("Qovery allows %d more requests with this API token at present. Storing the new access key in every object that has the old one "+
			"takes at least %d.", v.Budget.Left, v.requestsForHolders()),
		World:  worldUntouched,
		Advice: "Apply again " + until + ". If something else uses the same API token, give the provider a token of its own.",
	}
}

// undeployable is the reason for which the clusters could not be deployed afterwards; nil if there is none.
func (v view) undeployable() *Problem {
	clusters, _ := bySelfManagement(v.clusters())
	if reason := v.Organization.DeploymentRestriction; reason != "" && len(clusters) > 0 {
		return &Problem{
			Summary: SummaryRestricted,
			Cause: fmt.Sprintf("The organization %s has the deployment restriction %q, so its clusters cannot be deployed with a new key.",
				v.Organization.ID, reason),
			World:    worldUntouched,
			Advice:   "Resolve the restriction in Qovery's billing settings.",
			Argument: ArgumentOrganizationID,
		}
	}
	for _, cluster := range clusters {
		status := v.Statuses[cluster.ID]
		switch {
		case v.Statuses == nil || isLeftAlone(status):
		case status.Lock != nil:
			return untouched(lockedCluster(cluster, *status.Lock))
		case classify(status.State) == runUndeployable:
			return untouched(undeployableCluster(cluster, status.State))
		}
	}
	return nil
}

func untouched(p *Problem) *Problem {
	p.World = worldUntouched
	return p
}

// credentialsNotFound is the problem that a target's credentials are not in its organization.
func credentialsNotFound(target Target) *Problem {
	return &Problem{
		Summary:  SummaryCredentialsNotFound,
		Cause:    fmt.Sprintf("The organization %s has no credentials %s.", target.OrganizationID, target.CredentialsID),
		World:    worldUntouched,
		Advice:   "Correct the ids. Qovery shows them in the organization's settings, under Cloud credentials.",
		Argument: ArgumentCredentialsID,
		Err:      ErrNotFound,
	}
}

// dnsProviderNotFound is the problem that nobody can say which key a cluster's DNS provider stores.
func dnsProviderNotFound(cluster Cluster, err error) *Problem {
	return &Problem{
		Summary: SummaryAPI,
		Cause:   fmt.Sprintf("Qovery does not show the DNS provider of %s, which may store the access key.", cluster),
		World:   worldUntouched,
		Advice:  "If the cluster was deleted at this moment, apply again. Otherwise check api_url and the API token.",
		Err:     err,
	}
}

// notRead explains why the lists of an organization could not be read. That one of them is not found means that Qovery knows no
// organization with the target's id. It does not mean that the credentials are gone: another API, or a token of another
// organization, answers the same.
func notRead(target Target, err error) error {
	if !isUnexplained(err, ErrNotFound) {
		return err
	}
	return &Problem{
		Summary: SummaryOrganizationNotFound,
		Cause:   fmt.Sprintf("Qovery has no organization %s, or does not show it to this token.", target.OrganizationID),
		World:   worldUntouched,
		Advice: "Correct the id, or check api_token and api_url. If the organization was deleted, remove the resource from the state with " +
			"terraform state rm.",
		Argument: ArgumentOrganizationID,
		Err:      err,
	}
}

// listOf names things for people.
func listOf[T fmt.Stringer](things []T) string {
	names := make([]string, len(things))
	for i, thing := range things {
		names[i] = thing.String()
	}
	return strings.Join(names, ", ")
}
