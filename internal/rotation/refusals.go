package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The texts for refusals before anything is changed. Each has four parts: the cause, the state of AWS and Qovery, what to do,
// and the original error. Most are shown in plans and in applies, so their advice fits both. Commands are on lines of their own
// that begin with spaces. Terraform does not wrap such lines, so they can be copied.

// whereCredentials is where the provider's AWS credentials come from.
const whereCredentials = "Set them in the argument aws of the provider block, or in the environment."

// NotStatic is the problem that credentials have no access key to rotate.
func NotStatic(set CredentialsSet) *Problem {
	return &Problem{
		Summary: SummaryNotStatic,
		Cause: fmt.Sprintf("The credentials %q (%s) have the type %s. Only credentials of the type %s have an access key that can be rotated.",
			set.Name, set.ID, set.Type, CredentialsTypeStatic),
		World: WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - If these are the wrong credentials, correct credentials_id.\n" +
			"  - Otherwise, remove this resource. There is no access key to rotate.",
		Argument: ArgumentCredentialsID,
	}
}

func (v view) notStatic() *Problem { return NotStatic(*v.Set) }

// wrongAccount is the problem that the provider's AWS credentials are for another account than the recorded one.
func wrongAccount(target Target, account string) *Problem {
	recorded := accountOf(target.UserARN)
	return &Problem{
		Summary: SummaryWrongAccount,
		Cause: fmt.Sprintf("The provider's AWS credentials belong to the account %s. The IAM user %s belongs to the account %s.",
			account, target.UserARN, recorded),
		World:    "Nothing was changed, and nothing was recorded.",
		Advice:   fmt.Sprintf("Give the provider AWS credentials of the account %s. %s", recorded, whereCredentials),
		Argument: ArgumentIAMUserName,
	}
}

func (v view) userNotFound() *Problem {
	return &Problem{
		Summary: SummaryUserNotFound,
		Cause:   fmt.Sprintf("The AWS account of the provider has no IAM user %q.", v.UserName),
		World:   WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - If the provider uses the wrong account, give it other AWS credentials.\n" +
			"  - If the name is wrong, or the user has a new name, set iam_user_name to the owner of Qovery's key. This command prints it:\n" +
			"      aws iam get-access-key-last-used --access-key-id " + v.Set.AccessKeyID,
		Argument: ArgumentIAMUserName,
	}
}

func (v view) wrongUser() *Problem {
	return &Problem{
		Summary: SummaryWrongUser,
		Cause:   fmt.Sprintf("Qovery holds access key %s. It belongs to IAM user %q, not to %q.", v.Set.AccessKeyID, v.Owner, v.UserName),
		World:   WorldUntouched,
		Advice: fmt.Sprintf("Do one of these:\n"+
			"  - To rotate the key that Qovery holds, set iam_user_name = %q.\n"+
			"  - To rotate a key of IAM user %q, store one in Qovery's credentials and deploy the clusters.", v.Owner, v.UserName),
		Argument: ArgumentIAMUserName,
	}
}

func (v view) cutOff() *Problem {
	fact := "does not exist in the provider's AWS account. If this is the right account, Qovery cannot use AWS."
	switch {
	case v.Current != nil:
		fact = "is Inactive. Qovery cannot use AWS."
	case v.UserName != "":
		fact = fmt.Sprintf("is not a key of IAM user %q. If the provider uses the right account, Qovery cannot use AWS.", v.UserName)
	}
	advice := "Do one of these:\n" +
		"  - If the provider uses the wrong account, give it other AWS credentials.\n" +
		"  - Store a working access key in Qovery's credentials and deploy the clusters. This resource rotates it from then on."
	if v.Current != nil {
		advice = fmt.Sprintf("Do one of these:\n"+
			"  - Make the key Active again, and deploy the clusters in Qovery:\n"+
			"      aws iam update-access-key --user-name %s --access-key-id %s --status Active\n"+
			"  - Store another access key in Qovery's credentials and deploy the clusters. This resource rotates it from then on.",
			cmp.Or(v.Owner, v.UserName), v.Set.AccessKeyID)
	}
	if v.UserARN != "" && v.UserARN == cmp.Or(v.User.ARN, v.UserARN) {
		advice = "Ask for a rotation. It gives Qovery a key that works. Do one of these:\n" +
			"  - If the key leaked, list it in compromised_access_key_ids of the provider block.\n" +
			"  - Change a value of rotation_triggers. Adding the argument is not enough.\n" +
			"  - Where rotate_on_create is true, replace this resource with terraform apply -replace and its address."
	}
	return &Problem{
		Summary:  SummaryCutOff,
		Cause:    fmt.Sprintf("Qovery holds access key %s, which %s", v.Set.AccessKeyID, fact),
		World:    WorldUntouched,
		Advice:   advice,
		Argument: ArgumentCredentialsID,
	}
}

// cutOffNow is the warning of a refresh that Qovery's key does not work.
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
		Cause:   fmt.Sprintf("The tag %q of IAM user %q is not a journal that this version of the provider can read.", journalTagKey(credentialsID), userName),
		World:   WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - If a newer version of the provider wrote the tag, use that version.\n" +
			"  - If nobody needs the tag, remove it:\n      " + untagCommand(userName, credentialsID),
		Argument: ArgumentIAMUserName,
		Err:      err,
	}
}

func (v view) putBack() *Problem {
	j := v.Journal
	return &Problem{
		Summary: SummaryPutBack,
		Cause: fmt.Sprintf("A rotation replaced access key %s by %s in Qovery. Somebody stored %s again. Clusters may use either key.",
			j.From, j.To, j.From),
		World: fmt.Sprintf("Nothing was changed. IAM user %q has both keys.", v.User.Name),
		Advice: fmt.Sprintf("Follow these steps:\n"+
			"  1. If the Qovery provider manages the same credentials, make it ignore changes of the access key.\n"+
			"  2. Deploy the clusters in Qovery, so that they use %s.\n"+
			"  3. Wait for the drain window of %s. Then delete the other key:\n      %s\n"+
			"  4. Remove the journal of the rotation:\n      %s",
			j.From, Short(v.DrainWindow), DeleteCommand(v.User.Name, j.To), untagCommand(v.User.Name, v.CredentialsID)),
	}
}

func (v view) keyChanged() *Problem {
	return &Problem{
		Summary: SummaryKeyChanged,
		Cause: fmt.Sprintf("Qovery holds access key %s. The plan was made for access key %s, so somebody replaced it in the meantime.",
			v.Set.AccessKeyID, v.Record.AccessKeyID),
		World:  WorldUntouched,
		Advice: "Run a new plan, without -refresh=false. It starts from the key that Qovery holds now.",
	}
}

// keyReplaced is the warning of a refresh that somebody else stored another key in Qovery.
func (v view) keyReplaced(known string) *Problem {
	current := v.Set.AccessKeyID
	return &Problem{
		Summary: SummaryKeyReplaced,
		Cause: fmt.Sprintf("Qovery holds access key %s in place of %s. This resource did not store it there. It is unknown whether every cluster uses it.",
			current, known),
		World: fmt.Sprintf("IAM user %q has both keys.", v.Owner),
		Advice: fmt.Sprintf("If the change was intended, apply. That deploys the clusters with %s, and the drain window of %s begins after it. "+
			"If not, first stop what else writes the key, such as the Qovery provider.", current, known),
	}
}

func (v view) signs() *Problem { return signsWith(v.Set.AccessKeyID) }

func signsWith(accessKeyID string) *Problem {
	return &Problem{
		Summary: SummarySignsWithKey,
		Cause: fmt.Sprintf("The provider authenticates to AWS with access key %s. It would lose access when the key is deactivated or deleted.",
			accessKeyID),
		World:  WorldUntouched,
		Advice: "Give the provider AWS credentials of its own, such as a role. " + whereCredentials,
	}
}

func (v view) otherRotation() *Problem {
	i := slices.IndexFunc(v.OtherJournals, v.isUnfinished)
	j := v.OtherJournals[i]
	others := j.CredentialsID
	if set := setOf(v.Sets, j.CredentialsID); set != nil {
		others = fmt.Sprintf("%q (%s)", set.Name, set.ID)
	}
	problem := &Problem{
		Summary: SummaryOtherRotation,
		Cause: fmt.Sprintf("A rotation of access key %s of IAM user %q has been unfinished since %s. It belongs to the credentials %s.",
			j.From, v.User.Name, Moment(j.At), others),
		World:  WorldUntouched,
		Advice: "Apply the configuration that manages those credentials. Then run Terraform again.",
	}
	if j.Stage == StageDeployed {
		problem.Cause = fmt.Sprintf("The credentials %q hold access key %s. A rotation for the credentials %s of the same IAM user %q replaced it by %s.",
			v.Set.Name, j.From, others, v.User.Name, j.To)
		problem.Advice = fmt.Sprintf("Do one of these:\n"+
			"  - After %s, apply the configuration that manages the other credentials. With rotate_registries = true, it gives both a new key.\n"+
			"  - Store the key of another IAM user in one of the two credentials.", Moment(j.drainEndsAt()))
	}
	return problem
}

// otherRun is the problem that another run rotates the same key.
func otherRun(userName string, err error) *Problem {
	return &Problem{
		Summary: SummaryOtherRotation,
		Cause:   fmt.Sprintf("Another run is rotating the access key of IAM user %q.", userName),
		World:   "This run made no lasting changes. The other run continues.",
		Advice:  "Wait until the other run has ended. Then run Terraform again.",
		Err:     err,
	}
}

// attemptMayBeAlive is the problem that a journal is so young that its run may be alive.
func attemptMayBeAlive(userName string, j Journal) *Problem {
	problem := otherRun(userName, nil)
	problem.Cause = fmt.Sprintf("Another run may be rotating the access key of IAM user %q. Its journal is younger than %s.", userName, Short(livePeriod))
	problem.World = WorldUntouched
	problem.Advice = fmt.Sprintf("Run Terraform again after %s. If the other run was interrupted, its rotation is rolled back then.",
		Moment(j.At.Add(livePeriod)))
	return problem
}

func (v view) ignoredRegistry() *Problem {
	return &Problem{
		Summary: SummaryIgnoredRegistry,
		Cause: fmt.Sprintf("ignored_holders names %s. Every deployment of the cluster and of its environments logs in with this registry's key. "+
			"All of them would fail when the previous access key is deleted.", ListOf(v.ignoredRegistries())),
		World: WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - Remove the id of the registry from ignored_holders. The rotation then stores the new key in it.\n" +
			"  - Store a key of another IAM user in the registry, in Qovery.",
		Argument: ArgumentIgnoredHolders,
	}
}

func (v view) unrotatable() *Problem {
	var obstacles strings.Builder
	for _, holder := range v.unrotatableHolders() {
		fmt.Fprintf(&obstacles, "\n  - %s: %s.", holder, holder.Obstacle)
	}
	return &Problem{
		Summary: SummaryUnrotatableHolder,
		Cause: fmt.Sprintf("Access key %s is also stored in objects in which the provider cannot store a new one. They would keep a key that is going to "+
			"be deleted:%s", v.Set.AccessKeyID, &obstacles),
		World: WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - In Qovery, store a key of another IAM user in these objects, or use a role.\n" +
			"  - To rotate without them, list their ids in ignored_holders. The cleanup keeps the previous key until its ignored_holders lists them too.",
	}
}

func (v view) tooFewRequests() *Problem {
	until := "when the limit is reset, after an hour at most"
	if !v.Budget.ResetsAt.IsZero() {
		until = "after " + Moment(v.Budget.ResetsAt)
	}
	return &Problem{
		Summary: SummaryTooFewRequests,
		Cause: fmt.Sprintf("Storing the new access key in Qovery takes at least %d requests. The rate limit of the API token allows %d at present.",
			v.requestsForHolders(), v.Budget.Left),
		World: WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - Run Terraform again " + until + ".\n" +
			"  - If something else uses the same API token, create one for the provider alone.",
	}
}

// undeployable is the reason why the clusters could not be deployed after the cutover. It is nil if there is none.
func (v view) undeployable() *Problem {
	clusters, _ := bySelfManagement(v.clusters())
	if reason := v.Organization.DeploymentRestriction; reason != "" && len(clusters) > 0 {
		return &Problem{
			Summary: SummaryRestricted,
			Cause: fmt.Sprintf("Organization %s has the deployment restriction %q. Its clusters cannot be deployed with a new key.",
				v.Organization.ID, reason),
			World:    WorldUntouched,
			Advice:   "Resolve the restriction in Qovery's billing settings. Then run Terraform again.",
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
	p.World = WorldUntouched
	return p
}

// credentialsNotFound is the problem that a target's credentials are not in its organization.
func credentialsNotFound(target Target) *Problem {
	return &Problem{
		Summary: SummaryCredentialsNotFound,
		Cause:   fmt.Sprintf("Organization %s has no credentials with the id %s.", target.OrganizationID, target.CredentialsID),
		World:   WorldUntouched,
		Advice: "Correct organization_id and credentials_id. The data source qoveryrotation_aws_credentials_list lists the credentials of an " +
			"organization.",
		Argument: ArgumentCredentialsID,
		Err:      ErrNotFound,
	}
}

// dnsProviderNotFound is the problem that it is unknown which key a cluster's DNS provider stores.
func dnsProviderNotFound(cluster Cluster, err error) *Problem {
	return &Problem{
		Summary: SummaryAPI,
		Cause:   fmt.Sprintf("The DNS provider of %s was not found in Qovery. It may store the access key.", cluster),
		World:   WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - If the cluster was deleted at this moment, run Terraform again.\n" +
			"  - Otherwise, check api_url and api_token.",
		Err: err,
	}
}

// notRead explains why the lists of an organization could not be read. If a list is not found, Qovery has no organization with
// the target's id. It does not follow that the credentials are deleted: another API, or a token of another organization,
// answers the same.
func notRead(target Target, err error) error {
	if !isUnexplained(err, ErrNotFound) {
		return err
	}
	return &Problem{
		Summary: SummaryOrganizationNotFound,
		Cause:   fmt.Sprintf("Qovery has no organization with the id %s, or the API token has no access to it.", target.OrganizationID),
		World:   WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - If the id is wrong, correct organization_id.\n" +
			"  - If the id is right, check api_token and api_url.\n" +
			"  - If the organization was deleted, remove this resource from the state with terraform state rm and its address.",
		Argument: ArgumentOrganizationID,
		Err:      err,
	}
}
