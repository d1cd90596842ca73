package rotation_test

import (
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// standsAgainst is a reason why a key is not retired. given brings it about, and returns a fact that the problem has.
type standsAgainst struct {
	given   func(r *retiring, asked *rotation.Retirement) (fact string)
	summary string
}

// check asks for a retirement that must be refused.
func (test standsAgainst) check(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	asked := r.asked()
	fact := test.given(r, &asked)
	outcome, err := r.retire(asked)
	checkProblem(t, err, test.summary, fact, r.key.ID)
	if outcome.Status != rotation.StatusDue || !r.key.Active() {
		t.Errorf("outcome %+v, the key is active: %t", outcome, r.key.Active())
	}
	r.checkUnchanged()
}

// TestRetireChecksTheWorld breaks the conditions of a retirement one by one.
func TestRetireChecksTheWorld(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]standsAgainst{
		"credentials removed": {func(r *retiring, _ *rotation.Retirement) string {
			r.set.Remove()
			return ""
		}, rotation.SummaryNotReplaced},
		"the key put back": {func(r *retiring, _ *rotation.Retirement) string {
			r.set.SetKey(r.key)
			return "production"
		}, rotation.SummaryNotReplaced},
		"the new key deleted": {func(r *retiring, _ *rotation.Retirement) string {
			r.user.Keys()[1].Delete()
			return r.record.AccessKeyID
		}, rotation.SummaryNotReplaced},
		"the new key made Inactive": {func(r *retiring, _ *rotation.Retirement) string {
			r.user.Keys()[1].Deactivate()
			return r.record.AccessKeyID
		}, rotation.SummaryNotReplaced},
		"a cluster of the credentials has no access": {func(r *retiring, _ *rotation.Retirement) string {
			r.cluster.SetState("INVALID_CREDENTIALS")
			return r.cluster.ID
		}, rotation.SummaryInvalidCredentials},
		"a cluster has no access, and somebody ended the quarantine": {func(r *retiring, asked *rotation.Retirement) string {
			asked.QuarantineWindow, asked.DeactivatedAt = 24*time.Hour, r.Clock().Now().Add(-time.Hour)
			r.cluster.SetState("INVALID_CREDENTIALS")
			return r.cluster.ID
		}, rotation.SummaryInvalidCredentials},
		"a cluster of other credentials that hold the new key has no access": {func(r *retiring, _ *rotation.Retirement) string {
			cluster := r.org.AddCluster("stage", "eu-west-1", r.org.AddCredentials("staging", r.user.Keys()[1]))
			cluster.SetState("INVALID_CREDENTIALS")
			return cluster.ID
		}, rotation.SummaryInvalidCredentials},
		"somebody used it": {func(r *retiring, _ *rotation.Retirement) string {
			r.Clock().Advance(time.Minute)
			r.key.MarkUsed("ecr", "eu-west-1")
			return "eu-west-1"
		}, rotation.SummaryKeyInUse},
		"whether somebody used it is secret": {func(r *retiring, _ *rotation.Retirement) string {
			r.DenyAction("iam:GetAccessKeyLastUsed")
			return "iam:GetAccessKeyLastUsed"
		}, rotation.SummaryForbidden},
		"Qovery does not answer": {func(r *retiring, _ *rotation.Retirement) string {
			r.Inject(simulator.Fault{Kind: simulator.FaultHTML, Match: simulator.Operation(simulator.OpListRegistries), Times: -1})
			return "HTTP 502"
		}, rotation.SummaryRetire},
	} {
		t.Run(name, test.check)
	}
}

// TestRetireAsksEveryHolder has one holder of each kind store the key.
func TestRetireAsksEveryHolder(t *testing.T) {
	t.Parallel()
	for name, holder := range map[string]func(r *retiring) string{
		"registry": func(r *retiring) string {
			r.cluster.Registry().SetKey(r.key)
			return r.cluster.Registry().ID
		},
		"helm repository":       func(r *retiring) string { return r.org.AddHelmRepository("charts", "OCI_ECR", r.key).ID },
		"DNS provider":          func(r *retiring) string { return r.cluster.SetRoute53DNS(r.key).ID },
		"secret manager access": func(r *retiring) string { return r.cluster.AddSecretManagerAccess("secrets", r.key).ID },
		"vSphere credentials":   func(r *retiring) string { return r.org.AddVSphereCredentials("datacenter", r.key).ID },
		"other credentials":     func(r *retiring) string { return r.org.AddCredentials("staging", r.key).ID },
	} {
		t.Run(name, standsAgainst{func(r *retiring, _ *rotation.Retirement) string { return holder(r) }, rotation.SummaryKeyInUse}.check)
	}
}

// TestRetireNeedsEveryDNSProvider: if the DNS provider of a cluster is not found, it is not proven that it does not store the
// key.
func TestRetireNeedsEveryDNSProvider(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	r.cluster.SetRoute53DNS(r.key)
	r.Inject(simulator.Fault{Kind: simulator.FaultStatus, Status: 404, Match: simulator.Operation(simulator.OpGetClusterDNSProvider), Times: -1})
	_, err := r.retire(r.asked())
	checkProblem(t, err, rotation.SummaryAPI, r.cluster.ID, "HTTP 404")
	r.checkUnchanged()
}

// TestRetireIgnoresHolders retires a key that an ignored holder stores.
func TestRetireIgnoresHolders(t *testing.T) {
	t.Parallel()
	r := newRetiring(t)
	images := r.org.AddRegistry("images", "ECR", r.key)
	r.tolerateHandover(r.key.ID, images)
	asked := r.asked()
	asked.IgnoredHolders = []string{images.ID}
	r.checkDeleted(r.retire(asked))
}

// TestRetireWaitsForEveryRotationOfTheKey has a cleanup whose delete_after is long before the end of the drain window.
func TestRetireWaitsForEveryRotationOfTheKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.cluster.FailNextDeployment("DEPLOYMENT_ERROR")
	unfinished, err := s.rotate(s.request())
	checkProblem(t, err, rotation.SummaryDeployment)
	s.ResetRequests()
	process, asked := s.process(), s.retirement(s.Clock().Now())
	refuse := func(fact string) {
		t.Helper()
		_, err := process.Retire(t.Context(), asked, false, time.Hour)
		checkProblem(t, err, rotation.SummaryStillDraining, s.key.ID, fact)
		s.checkUnchanged()
	}
	refuse(unfinished.AccessKeyID)

	req := s.request()
	req.Record = unfinished
	finished := s.mustRotate(req)
	s.ResetRequests()
	s.Clock().AdvanceTo(finished.DrainEndsAt.Add(-time.Second))
	refuse(finished.DrainEndsAt.Format(time.RFC3339))

	s.Clock().Advance(time.Second)
	outcome, err := process.Retire(t.Context(), asked, false, time.Hour)
	if err != nil || outcome.Status != rotation.StatusDeleted {
		t.Errorf("outcome %+v, %v", outcome, err)
	}
}

// newLateTelling is a stage on which AWS reports a use ten minutes late. The drain window has just ended, and the key was just
// used.
func newLateTelling(t *testing.T) *retiring {
	t.Helper()
	s := newStageIn(t, simulator.Config{LastUseLag: 10 * time.Minute})
	s.lastUseDelay = 20 * time.Minute
	r := newRetiringOn(s)
	r.Clock().Advance(5 * time.Second)
	r.key.MarkUsed("eks", "eu-west-3")
	r.Clock().Advance(5 * time.Second)
	return r
}

func TestRetireDoesNotBelieveAWSTooEarly(t *testing.T) {
	t.Parallel()
	r := newLateTelling(t)
	believed := r.record.DrainEndsAt.Add(r.lastUseDelay)
	want := rotation.RetirementOutcome{Status: rotation.StatusDraining, NextActionAt: believed, UserARN: r.user.ARN()}
	outcome, err := r.retire(r.asked())
	checkOutcome(t, outcome, err, want)
	outcome, err = r.refresh(r.asked())
	checkOutcome(t, outcome, err, want)

	_, err = r.process.Retire(t.Context(), r.asked(), true, time.Hour)
	checkProblem(t, err, rotation.SummaryKeyInUse, r.key.ID, "eks")
	if now := r.Clock().Now(); now.Before(believed) || now.Sub(believed) > time.Minute {
		t.Errorf("waited until %s, want %s", now, believed)
	}
	r.checkUnchanged()
}

// TestRetireDespiteALateUse: with allow_recent_use, the last use is neither checked nor waited for.
func TestRetireDespiteALateUse(t *testing.T) {
	t.Parallel()
	r := newLateTelling(t)
	asked := r.asked()
	asked.AllowRecentUse = true
	r.checkDeleted(r.retire(asked))
}
