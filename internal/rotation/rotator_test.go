package rotation_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestMain hides the machine's own AWS configuration, which a client reads in addition to its arguments.
func TestMain(m *testing.M) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			_ = os.Unsetenv(name)
		}
	}
	for _, name := range []string{"AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		_ = os.Setenv(name, os.DevNull)
	}
	os.Exit(m.Run())
}

const (
	pollInterval = 5 * time.Second
	drainWindow  = 2 * time.Hour
	// requestTimeout is real time. A request takes far less, and one that hangs takes just as long.
	requestTimeout = time.Second
)

// stage is a simulated world with an IAM user whose key Qovery holds, and a cluster that runs with it and has a container
// registry.
type stage struct {
	*simulator.World
	t       *testing.T
	org     *simulator.Organization
	user    *simulator.User
	key     *simulator.AccessKey
	set     *simulator.Credentials
	cluster *simulator.Cluster
	// account is the account that processes use. lastUseDelay is their setting of that name.
	account      *simulator.Account
	lastUseDelay time.Duration
	// compromised are the keys that processes list as compromised.
	compromised []string
	// onlySTS turns off verify_services in processes.
	onlySTS bool
	// tolerated are the ends of the violations that a test expects.
	tolerated []string
}

func newStage(t *testing.T) *stage {
	t.Helper()
	return newStageIn(t, simulator.Config{})
}

// newStageIn is newStage in a world with a configuration.
func newStageIn(t *testing.T, config simulator.Config) *stage {
	t.Helper()
	config.DeploymentDuration = time.Minute
	w, err := simulator.Start(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{World: w, t: t, account: w.Account()}
	t.Cleanup(func() {
		w.Close()
		for _, violation := range w.Violations() {
			if !slices.ContainsFunc(s.tolerated, func(end string) bool { return strings.HasSuffix(violation, end) }) {
				t.Errorf("violation: %s", violation)
			}
		}
	})
	s.ExpectActions(append(rotation.PolicyActions(), rotation.ActionSimulate)...)
	s.org = s.AddOrganization("acme")
	s.user = s.AddUser("qovery")
	s.key = s.user.AddKey()
	s.set = s.org.AddCredentials("production", s.key)
	s.cluster = s.org.AddCluster("prod", "eu-west-3", s.set)
	s.Clock().Advance(90 * 24 * time.Hour)
	return s
}

// tolerateHandover tolerates that a stale holder loses its key before it gets another one, because a user cannot have three keys.
func (s *stage) tolerateHandover(accessKeyID string, holder *simulator.Holder) {
	for _, how := range []string{"deactivated", "deleted"} {
		s.tolerated = append(s.tolerated, fmt.Sprintf("%s was %s while %s of organization acme holds it", accessKeyID, how, holder.Object()["name"]))
	}
}

// process returns a Rotator with clients of its own, as every run has.
func (s *stage) process() *rotation.Rotator { return s.processWith(nil) }

// processWith is process with something between the Rotator and AWS.
func (s *stage) processWith(wrap func(rotation.IAM) rotation.IAM) *rotation.Rotator {
	s.t.Helper()
	client, err := awsiam.New(s.t.Context(), awsiam.Config{
		Region:         "eu-west-3",
		AccessKey:      s.account.Operator().ID,
		SecretKey:      s.account.Operator().Secret,
		Endpoints:      awsiam.Endpoints{IAM: s.AWSURL(), STS: s.AWSURL(), EC2: s.AWSURL()},
		RequestTimeout: requestTimeout,
		MaxBackoff:     time.Millisecond,
		Now:            s.Clock().Now,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	q, err := qovery.New(qovery.Config{
		URL:            s.QoveryURL(),
		Token:          s.Token(),
		RequestTimeout: requestTimeout,
		RetryWaitMin:   time.Millisecond,
		RetryWaitMax:   time.Millisecond,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	var iam rotation.IAM = client
	if wrap != nil {
		iam = wrap(iam)
	}
	return rotation.New(rotation.Config{
		IAM: iam, Qovery: q, Clock: s.Clock(), PollInterval: pollInterval, LastUseDelay: s.lastUseDelay, CompromisedAccessKeyIDs: s.compromised,
		VerifyServices: !s.onlySTS,
	})
}

// request asks for a rotation.
func (s *stage) request() rotation.Intent {
	return rotation.Intent{
		Target: rotation.Target{OrganizationID: s.org.ID, CredentialsID: s.set.ID},
		Rotate: true, RotateRegistries: true, DrainWindow: drainWindow, Timeout: 2 * time.Hour,
	}
}

// target is the stage's credentials and user.
func (s *stage) target() rotation.Target {
	return rotation.Target{OrganizationID: s.org.ID, CredentialsID: s.set.ID, UserName: s.user.Name}
}

// rotate rotates in a process of its own, which is killed at the end.
func (s *stage) rotate(req rotation.Intent) (*rotation.Record, error) {
	s.t.Helper()
	return s.process().Rotate(s.t.Context(), req)
}

// mustRotate is rotate for a rotation that must succeed.
func (s *stage) mustRotate(req rotation.Intent) *rotation.Record {
	s.t.Helper()
	outcome, err := s.rotate(req)
	if err != nil {
		s.t.Fatalf("rotating: %s", err)
	}
	return outcome
}

// journalTag is the key of the journal's tag.
func (s *stage) journalTag() string { return "qoveryrotation:" + s.set.ID }

// journal is the value of the journal's tag. It is empty without a tag.
func (s *stage) journal() string { return s.user.Tags()[s.journalTag()] }

// writeJournal writes the journal of a rotation from the stage's key.
func (s *stage) writeJournal(stage rotation.Stage, to string, age time.Duration) {
	j := rotation.Journal{From: s.key.ID, To: to, Stage: stage, At: s.Clock().Now().Add(-age)}
	s.user.SetTag(s.journalTag(), j.String())
}

// later does something after a time on the world's clock.
func (s *stage) later(after time.Duration, do func()) {
	s.t.Helper()
	ctx := s.t.Context()
	wait := background(func() {
		if s.Clock().Sleep(ctx, after) == nil {
			do()
		}
	})
	s.t.Cleanup(wait)
}

// checkKeys compares the user's keys with the wanted ones.
func (s *stage) checkKeys(want ...string) {
	s.t.Helper()
	var got []string
	for _, key := range s.user.Keys() {
		got = append(got, key.ID)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("the user has the keys %v, want %v", got, want)
	}
}

// checkRotated checks that everything has the key of a rotation, which was created and deployed once.
func (s *stage) checkRotated(o *rotation.Record) {
	s.t.Helper()
	if o.PreviousAccessKeyID != s.key.ID {
		s.t.Errorf("the previous key is %q, want %s", o.PreviousAccessKeyID, s.key.ID)
	}
	s.checkKeys(s.key.ID, o.AccessKeyID)
	for _, holder := range []*simulator.Holder{&s.set.Holder, s.cluster.Registry()} {
		if got := holder.AccessKeyID(); got != o.AccessKeyID {
			s.t.Errorf("holder %s has key %s, want %s", holder.Object()["name"], got, o.AccessKeyID)
		}
	}
	s.checkDeployed(s.cluster, o.AccessKeyID)
}

// checkDeployed compares the keys that a cluster was deployed with.
func (s *stage) checkDeployed(cluster *simulator.Cluster, want ...string) {
	s.t.Helper()
	var got []string
	for _, deployment := range cluster.Deployments() {
		got = append(got, deployment.AccessKeyID)
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		s.t.Errorf("cluster %s was deployed with %v, want %v", cluster.Name, got, want)
	}
}

// checkUntouched checks that everything is as before the rotation.
func (s *stage) checkUntouched() {
	s.t.Helper()
	s.checkKeys(s.key.ID)
	if got := s.set.AccessKeyID(); got != s.key.ID {
		s.t.Errorf("Qovery holds %s, want %s", got, s.key.ID)
	}
	if journal := s.journal(); journal != "" {
		s.t.Errorf("the journal is still there: %s", journal)
	}
	s.checkDeployed(s.cluster)
}

// checkUnchanged checks that no request was sent that changes something.
func (s *stage) checkUnchanged() {
	s.t.Helper()
	if mutations := s.Mutations(); len(mutations) > 0 {
		s.t.Errorf("something was changed: %v", mutations)
	}
}

// sent counts the requests for an operation.
func (s *stage) sent(operation string) int {
	n := 0
	for _, request := range s.Requests() {
		if request.Operation == operation {
			n++
		}
	}
	return n
}

// checkProblem compares the summary of a problem, and checks that its details contain facts.
func checkProblem(t *testing.T, err error, summary string, facts ...string) {
	t.Helper()
	problem, ok := errors.AsType[*rotation.Problem](err)
	if !ok || problem.Summary != summary {
		t.Errorf("error %v, want problem %q", err, summary)
		return
	}
	if problem.Advice == "" {
		t.Errorf("a problem without a next step: %s", problem)
	}
	for _, fact := range facts {
		if !strings.Contains(problem.Detail(), fact) {
			t.Errorf("the details do not tell %q:\n%s", fact, problem.Detail())
		}
	}
}

// background runs f and returns a function that waits for its end.
func background(f func()) (wait func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return func() { <-done }
}

// TestRotationsOfOneUserTakeTurns rotates two credentials sets that share a key, at the same time in one process.
func TestRotationsOfOneUserTakeTurns(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("stage", "eu-west-1", second)
	process := s.process()
	outcomes := make([]*rotation.Record, 2)
	errs := make([]error, 2)
	var waits []func()
	for i, id := range []string{s.set.ID, second.ID} {
		req := s.request()
		req.CredentialsID = id
		req.Record = &rotation.Record{AccessKeyID: s.key.ID}
		waits = append(waits, background(func() { outcomes[i], errs[i] = process.Rotate(t.Context(), req) }))
	}
	for i, wait := range waits {
		if wait(); errs[i] != nil {
			t.Fatal(errs[i])
		}
		if outcomes[i].AccessKeyID != outcomes[0].AccessKeyID || outcomes[i].DeployedAt.IsZero() {
			t.Errorf("outcome %d is %+v", i, outcomes[i])
		}
	}
	s.checkRotated(outcomes[0])
	if got := second.AccessKeyID(); got != outcomes[0].AccessKeyID {
		t.Errorf("the second set has %s", got)
	}
	s.checkDeployed(cluster, outcomes[0].AccessKeyID)
	for i, want := range []*simulator.Cluster{s.cluster, cluster} {
		if clusters := outcomes[i].Clusters; len(clusters) != 1 || clusters[0].ID != want.ID {
			t.Errorf("the clusters of set %d are %v, want %s", i, clusters, want.ID)
		}
	}
}

// TestPreflightBesideARotation plans another credentials set with the same key while the first one is rotated, and after that.
func TestPreflightBesideARotation(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	process := s.process()
	req := s.request()
	req.CredentialsID, req.UserName = second.ID, s.user.Name
	req.Record = &rotation.Record{AccessKeyID: s.key.ID}
	check := func(when string) {
		if _, _, err := process.Preflight(t.Context(), req); err != nil {
			t.Errorf("%s: %s", when, err)
		}
	}
	s.Before(getCallerIdentity, func(simulator.Request) { check("before the cutover") })
	s.Before(simulator.OpDeployCluster, func(simulator.Request) { check("after the cutover") })
	outcome, err := process.Rotate(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	check("after the rotation")
	s.ResetRequests()
	again, err := process.Rotate(t.Context(), req)
	if err != nil || again.AccessKeyID != outcome.AccessKeyID || again.PreviousAccessKeyID != s.key.ID {
		t.Errorf("outcome %+v, %v", again, err)
	}

	// With the new key in the state, another rotation is asked for. It finds the previous key in the journal of the first rotation.
	req.Record = again
	_, err = process.Rotate(t.Context(), req)
	checkProblem(t, err, rotation.SummaryStillDraining, s.key.ID)
	s.checkUnchanged()
}

// TestRotationWaitsForItsTurn ends a rotation that waits for another one of the same user.
func TestRotationWaitsForItsTurn(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	process := s.process()
	s.Before(simulator.OpDeployCluster, func(simulator.Request) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		req := s.request()
		req.CredentialsID, req.UserName = second.ID, s.user.Name
		_, err := process.Rotate(ctx, req)
		checkProblem(t, err, rotation.SummaryInterrupted, "Nothing was changed")
	})
	outcome, err := process.Rotate(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	s.checkRotated(outcome)
}
