package rotation

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The texts for rotations that have begun.

func (a *attempt) notVerified(region string, took time.Duration, err error) *Problem {
	where := "the provider's AWS region"
	if region != "" {
		where = fmt.Sprintf("the AWS region %q", region)
	}
	problem := a.problem(SummaryVerification, fmt.Sprintf("The new access key %s was not accepted in %s within %s.",
		a.key.ID, where, took.Round(time.Second)), err)
	problem.Advice = "Apply again. If it happens again, check that the region is enabled in the account, and that STS can be reached from this machine."
	return problem
}

// notKnown is the problem that STS knows the new key and other services do not.
func (a *attempt) notKnown(region string, services []Service, took time.Duration, err error) *Problem {
	var names []string
	for _, service := range services {
		names = append(names, strings.ToUpper(string(service)))
	}
	problem := a.problem(SummaryVerification, fmt.Sprintf("STS accepts the new access key %s in region %q, but %s did not within %s.",
		a.key.ID, region, strings.Join(names, " and "), took.Round(time.Second)), err)
	problem.Advice = "Apply again. If it happens again, check that the service can be used in the region. With verify_services = false in the " +
		"provider block, only STS is asked."
	return problem
}

func (a *attempt) cutoverUnclear(err error) *Problem {
	problem := a.problem(SummaryCutoverUnclear, fmt.Sprintf("Qovery gave no clear answer to the request to store the new access key %s in the "+
		"credentials %q.", a.key.ID, a.s.Set.Name), err)
	problem.Advice = "Apply again. The next run finds out which key Qovery holds. Then it resumes the rotation or starts again."
	return problem
}

// worldAfter is the state after a rollback.
func (a *attempt) worldAfter(holds string) string {
	switch {
	case len(a.written) == 0:
		return WorldUntouched
	case a.keyLost:
		return fmt.Sprintf("Qovery holds %s, as before. IAM user %q may have a new access key whose secret is lost. The next apply finds it by the "+
			"journal and deletes it.", holds, a.s.User.Name)
	case a.d.Place != nil && a.d.Place.reason != ReasonOrphan:
		return fmt.Sprintf("Qovery holds %s, and IAM user %q has no new access key. Access key %s had to make room for it, and may be Inactive or deleted.",
			holds, a.s.User.Name, a.d.Place.accessKeyID)
	default:
		return fmt.Sprintf("The attempt was rolled back. Qovery holds %s, and IAM user %q has no new access key.", holds, a.s.User.Name)
	}
}

// newKeyStays is the state after a rollback that could not delete the new key.
func newKeyStays(accessKeyID, userName, why string) string {
	return fmt.Sprintf("Access key %s still exists, and the journal on IAM user %q names it. %s", accessKeyID, userName, why)
}

func orphanStays(permit Permit, current string, err error) *Problem {
	problem := stopped(err, fmt.Sprintf("Nothing was changed. Qovery holds %s. Access key %s of an interrupted rotation still exists.",
		current, permit.accessKeyID))
	problem.Cause = "The access key of the interrupted rotation could not be deleted. " + problem.Cause
	return problem
}

func journalOfResume(j Journal, err error) *Problem {
	problem := stopped(err, fmt.Sprintf("Nothing was changed. Qovery holds %s. It is unknown whether every cluster uses it.", j.To))
	problem.Summary = SummaryJournal
	problem.Cause = "The resumed rotation could not be recorded on the IAM user. " + problem.Cause
	return problem
}

// notStopped is the problem that a key that leaked still works.
func notStopped(j Journal, err error) *Problem {
	problem := &Problem{
		Summary: SummaryCompromisedActive,
		Cause: fmt.Sprintf("Access key %s is listed as compromised. Qovery holds %s in its place. The compromised key could not be made Inactive.",
			j.From, j.To),
		World:  fmt.Sprintf("Qovery holds the new access key %s, stored at %s. The compromised key still works.", j.To, Moment(j.CutoverAt)),
		Advice: "Apply again. The next run deactivates the key first.",
		Err:    err,
	}
	if cause, ok := errors.AsType[*Problem](err); ok {
		problem.Cause, problem.Advice, problem.Err = problem.Cause+" "+cause.Cause, cause.Advice, cause.Err
	}
	return problem
}

// journalOfEnd is the problem that the end of a rotation could not be recorded in the journal.
func journalOfEnd(j Journal, err error) *Problem {
	problem := stopped(err, bothWork(j)+" Every cluster runs with the new key.")
	problem.Summary = SummaryJournal
	problem.Cause = "The end of the rotation could not be recorded on the IAM user. " + problem.Cause
	return problem
}

// bothWork is the state after a cutover.
func bothWork(j Journal) string {
	return fmt.Sprintf("Qovery holds the new access key %s, stored at %s. The previous key %s still works, so nothing loses access.",
		j.To, Moment(j.CutoverAt), j.From)
}

const adviceResume = "Apply again. The next apply resumes here: it deploys the remaining clusters and does not create another key."

// notDeployable is the problem that the clusters to deploy, or their statuses, could not be read.
func notDeployable(j Journal, err error) *Problem {
	problem := stopped(err, bothWork(j))
	problem.Cause = "The clusters that need the new access key, and their statuses, could not be read. " + problem.Cause
	problem.Advice = adviceResume
	return problem
}

// notAllDeployed joins the problems of clusters, and names the clusters of the later waves.
func notAllDeployed(j Journal, problems []*Problem, untouched []Cluster) *Problem {
	slices.SortFunc(problems, func(a, b *Problem) int { return strings.Compare(a.Cause, b.Cause) })
	first := *problems[0]
	for _, other := range problems[1:] {
		first.Cause += "\n" + other.Cause
		first.Err = errors.Join(first.Err, other.Err)
	}
	first.World = bothWork(j)
	if len(untouched) > 0 {
		first.World += fmt.Sprintf(" These production clusters were not deployed, because they come last: %s.", ListOf(untouched))
	}
	if first.Advice == "" {
		first.Advice = adviceResume
	}
	return &first
}

// deployedBefore is how long the clusters took that were deployed before a timeout. It is empty if there are none.
func deployedBefore(took map[string]time.Duration) string {
	var clusters []string
	for _, cluster := range slices.Sorted(maps.Keys(took)) {
		clusters = append(clusters, fmt.Sprintf("%s in %s", cluster, took[cluster].Round(time.Second)))
	}
	if len(clusters) == 0 {
		return ""
	}
	return " Deployed by this run: " + strings.Join(clusters, ", ") + "."
}

// lastDeployments is how long the clusters took in the last complete rotation in the state. It is empty if there is none.
func lastDeployments(r *Record) string {
	took := deploymentTook(r)
	if took == 0 {
		return ""
	}
	return fmt.Sprintf(" After the cutover of the last rotation, at %s, it took %s until all clusters were deployed.",
		Moment(r.RotatedAt), took.Round(time.Second))
}

// notSeenToEnd is the problem that it is unknown how a deployment ended, with the cluster's last status. It returns a [Problem]
// as it is.
func notSeenToEnd(cluster Cluster, last ClusterStatus, err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	problem := stopped(err, "")
	problem.Advice = ""
	seen := ""
	if last.State != "" {
		seen = fmt.Sprintf(" Its last known state is %s.", last.State)
	}
	problem.Cause = fmt.Sprintf("It is unknown whether the deployment of %s has ended.%s %s", cluster, seen, problem.Cause)
	return problem
}

// lockedCluster is the problem that somebody has locked a cluster.
func lockedCluster(cluster Cluster, lock ClusterLock) *Problem {
	return &Problem{
		Summary: SummaryClusterLocked,
		Cause: fmt.Sprintf("%s was locked by %s at %s, with the reason %q. It cannot be deployed with a new key.",
			capitalized(cluster.String()), lock.Owner, Moment(lock.LockedAt), lock.Reason),
		Advice: "Unlock the cluster and run Terraform again. This command unlocks it:\n  qovery cluster unlock --cluster-id " + cluster.ID,
	}
}

// undeployableCluster is the problem that a cluster is neither running nor safely off.
func undeployableCluster(cluster Cluster, state string) *Problem {
	has := "the state " + state
	if state == "" {
		has = "no state in Qovery's answer"
	}
	return &Problem{
		Summary: SummaryClusterState,
		Cause: fmt.Sprintf("%s has %s. It may still use the previous key. A deployment could start a cluster that somebody wanted to stop or delete.",
			capitalized(cluster.String()), has),
		Advice: "Stop, delete or deploy the cluster in Qovery. Then run Terraform again.",
	}
}

func deploymentRefused(cluster Cluster, err error) *Problem {
	return &Problem{Summary: SummaryDeployment, Cause: fmt.Sprintf("Qovery refused to deploy %s.", cluster), Err: err}
}

func deploymentUnclear(cluster Cluster, times int, err error) *Problem {
	return &Problem{
		Summary: SummaryDeployment,
		Cause:   fmt.Sprintf("The deployment of %s was requested %d times. Qovery gave no clear answer, and no deployment began.", cluster, times),
		Err:     err,
	}
}

// failedDeployment is the problem that a deployment failed, with the errors of the cluster's log or the advice where to look.
func failedDeployment(cluster Cluster, state string, lines []string, err error) *Problem {
	problem := &Problem{
		Summary: SummaryDeployment,
		Cause:   fmt.Sprintf("The deployment of %s ended with the state %s.", cluster, state),
		Advice:  "Find the cause in Qovery's console and fix it. Then apply again.",
	}
	const whole = " The cluster's page in Qovery's console shows the whole log."
	switch {
	case err != nil:
		problem.Cause += " The cluster's log could not be read." + whole
		problem.Err = fmt.Errorf("reading the log of %s: %w", cluster, err)
	case len(lines) == 0:
		problem.Cause += " The cluster's log shows no error of this deployment." + whole
	default:
		problem.Cause += "\n  " + strings.Join(lines, "\n  ")
		problem.Advice = "Fix the problem reported above. Then apply again."
	}
	problem.Advice += " The next apply deploys the cluster again and does not create another key."
	return problem
}

// staleHolders is the problem that some holders do not have the new key.
func staleHolders(c *change) *Problem {
	if c.stopped {
		return staleLeak(c)
	}
	stored := map[string][]string{}
	for _, holder := range c.stale {
		stored[holder.AccessKeyID] = append(stored[holder.AccessKeyID], holder.String())
	}
	facts := []string{fmt.Sprintf("All clusters of the credentials use the new access key %s.", c.journal.To)}
	world := fmt.Sprintf("Both keys work, so nothing loses access. Access key %s is kept while any object stores it.", c.journal.From)
	for _, key := range slices.Sorted(maps.Keys(stored)) {
		if key == c.journal.From {
			facts = append(facts, fmt.Sprintf("The previous key %s is still stored in %s.", key, strings.Join(stored[key], ", ")))
			continue
		}
		facts = append(facts, fmt.Sprintf("An older key, %s, is still stored in %s.", key, strings.Join(stored[key], ", ")))
		world = fmt.Sprintf("Access keys %s and %s work. Access key %s may be deleted already. Deployments that use these objects may then fail. "+
			"Every deployment of a cluster uses its container registry.", c.journal.From, c.journal.To, key)
	}
	return &Problem{
		Summary: SummaryHolderNotUpdated,
		Cause:   strings.Join(facts, " "),
		World:   world,
		Advice: fmt.Sprintf("Do one of these:\n"+
			"  - Apply again after %s, when no deployment runs. %s\n"+
			"  - In Qovery, store another key in each of these objects, or use a role. Then apply again.\n"+
			"  - If nothing uses an object, add its id to ignored_holders and apply again. A registry that came with a cluster is always used.",
			Moment(c.journal.drainEndsAt()), adviceRepair),
		Err: c.refusals,
	}
}

// adviceRepair is what the next apply does for stale holders.
const adviceRepair = "The next apply replaces the key once more and stores the new one in these objects first. " +
	"The secret of the current key is not stored anywhere, so it cannot be used for them."

// staleLeak is the problem that holders still have a key that leaked. They are served before any cluster is deployed.
func staleLeak(c *change) *Problem {
	return &Problem{
		Summary: SummaryHolderNotUpdated,
		Cause:   fmt.Sprintf("Access key %s is listed as compromised. It is still stored in %s.", c.journal.From, ListOf(c.stale)),
		World:   oneWorks(c.journal) + " The objects above have no working key, and no cluster was deployed.",
		Advice: "Do one of these:\n" +
			"  - Apply again. " + adviceRepair + "\n" +
			"  - In Qovery, store another key in each of these objects, or use a role. Then apply again.",
		Err: c.refusals,
	}
}

// oneWorks is the state after the cutover when the key that leaked is Inactive.
func oneWorks(j Journal) string {
	return fmt.Sprintf("Qovery holds the new access key %s, stored at %s. The compromised key %s is Inactive.", j.To, Moment(j.CutoverAt), j.From)
}

// afterLeak corrects the state of AWS and Qovery in a problem, if the replaced key leaked and is Inactive.
func (c *change) afterLeak(err error) error {
	if !c.stopped {
		return err
	}
	problem := AsProblem(err)
	problem.World = strings.Replace(problem.World, bothWork(c.journal), oneWorks(c.journal), 1)
	return problem
}
