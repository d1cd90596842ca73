package rotation_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	createAccessKey   = "CreateAccessKey"
	getCallerIdentity = "GetCallerIdentity"
	listAccessKeys    = "ListAccessKeys"
	tagUser           = "TagUser"
)

// The faults of a request. After the faults in lost, the request has taken effect.
var (
	lost = []simulator.FaultKind{
		simulator.FaultLost, simulator.FaultResetAfter, simulator.FaultAfter500, simulator.FaultHTMLAfter, simulator.FaultHangAfter,
	}
	prevented = []simulator.FaultKind{
		simulator.FaultResetBefore, simulator.FaultBefore500, simulator.FaultHTML, simulator.FaultHang, simulator.Fault429,
	}
)

func TestRotate(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	helm := s.org.AddHelmRepository("charts", "OCI_ECR", s.key)
	other := s.org.AddRegistry("others", "ECR", s.AddUser("others").AddKey())
	otherKey := other.AccessKeyID()
	var (
		mu    sync.Mutex
		steps []string
	)
	ctx := rotation.WithReporter(t.Context(), func(_ context.Context, event rotation.Event) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, fmt.Sprint(event.Message, event.Fields))
	})
	started := s.Clock().Now()
	outcome, err := s.process().Rotate(ctx, s.request())
	if err != nil {
		t.Fatal(err)
	}
	s.checkRotated(outcome)
	if got := helm.AccessKeyID(); got != outcome.AccessKeyID {
		t.Errorf("the helm repository has %s", got)
	}
	if got := other.AccessKeyID(); got != otherKey {
		t.Errorf("the registry of another user has %s", got)
	}

	if outcome.UserName != s.user.Name || outcome.UserARN != s.user.ARN() || outcome.Unfinished {
		t.Errorf("outcome %+v", outcome)
	}
	if key := s.user.Keys()[1]; !outcome.AccessKeyCreatedAt.Equal(key.CreatedAt()) {
		t.Errorf("the key was created at %s, not at %s", key.CreatedAt(), outcome.AccessKeyCreatedAt)
	}
	if len(outcome.Holders) != 3 {
		t.Errorf("the holders are %v", outcome.Holders)
	}
	for _, holder := range outcome.Holders {
		if holder.AccessKeyID != outcome.AccessKeyID {
			t.Errorf("holder %s has %s", holder, holder.AccessKeyID)
		}
	}
	if want := []string{s.cluster.ID}; !slices.Equal(outcome.DeployedClusters, want) {
		t.Errorf("the deployed clusters are %v, want %v", outcome.DeployedClusters, want)
	}
	ended := s.cluster.Deployments()[0].EndedAt
	if late := outcome.DeployedAt.Sub(ended); late < 0 || late > pollInterval+time.Second {
		t.Errorf("the deployment ended at %s, recorded is %s", ended, outcome.DeployedAt)
	}
	if early := outcome.RotatedAt.Sub(started); early < 10*time.Second || outcome.RotatedAt.After(ended) {
		t.Errorf("the cutover was at %s, %s after the start", outcome.RotatedAt, early)
	}

	wantOrder := []simulator.EventKind{
		simulator.EventCreated, simulator.EventVerified, simulator.EventHeld, simulator.EventDeployed,
	}
	var order []simulator.EventKind
	for _, event := range s.Timeline() {
		if event.AccessKeyID == outcome.AccessKeyID {
			order = append(order, event.What)
		}
	}
	if !slices.Equal(order, wantOrder) {
		t.Errorf("what happened to the key is %v, want %v", order, wantOrder)
	}
	told := strings.Join(steps, "\n")
	for _, secret := range s.Secrets() {
		if strings.Contains(told, secret) {
			t.Errorf("the steps tell a secret:\n%s", told)
		}
	}
	for _, want := range []string{"creating an access key", "verifying", "cutover", "deploying", "rotation complete"} {
		if !strings.Contains(told, want) {
			t.Errorf("the steps do not tell %q:\n%s", want, told)
		}
	}
}

func TestRotateNothing(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]*rotation.Record{"adoption": nil, "nothing left unfinished": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			req := s.request()
			req.Rotate = false
			if req.Record = record; record != nil {
				record.AccessKeyID = s.key.ID
			}
			outcome := s.mustRotate(req)
			s.checkUnchanged()
			if outcome.PreviousAccessKeyID != "" || outcome.AccessKeyID != s.key.ID || outcome.UserName != s.user.Name ||
				!outcome.AccessKeyCreatedAt.Equal(s.key.CreatedAt()) {
				t.Errorf("outcome %+v", outcome)
			}
			if len(outcome.Clusters) != 1 || outcome.Clusters[0].ID != s.cluster.ID || len(outcome.Holders) != 2 {
				t.Errorf("clusters %v, holders %v", outcome.Clusters, outcome.Holders)
			}
		})
	}
}

func TestRotateWithoutRegistries(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	second := s.org.AddCredentials("staging", s.key)
	cluster := s.org.AddCluster("stage", "eu-west-1", second)
	req := s.request()
	req.RotateRegistries = false
	outcome := s.mustRotate(req)
	if got := s.set.AccessKeyID(); got != outcome.AccessKeyID {
		t.Errorf("Qovery holds %s, want %s", got, outcome.AccessKeyID)
	}
	for _, holder := range []*simulator.Holder{s.cluster.Registry(), &second.Holder} {
		if got := holder.AccessKeyID(); got != s.key.ID {
			t.Errorf("holder %s has %s, want %s", holder.Object()["name"], got, s.key.ID)
		}
	}
	s.checkDeployed(cluster)
	if len(outcome.Holders) != 1 || outcome.Unfinished {
		t.Errorf("outcome %+v", outcome)
	}
}

// TestRotateDespiteOneFault has one request fail, for every operation that changes something and every fault.
func TestRotateDespiteOneFault(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		createAccessKey, tagUser, simulator.OpEditAWSCredentials, simulator.OpEditRegistry, simulator.OpDeployCluster,
	} {
		for _, kind := range slices.Concat(lost, prevented) {
			t.Run(operation+" "+string(kind), func(t *testing.T) {
				t.Parallel()
				s := newStage(t)
				s.FailNext(operation, kind)
				outcome := s.mustRotate(s.request())
				s.checkRotated(outcome)
				if got := len(s.cluster.Deployments()); got != 1 {
					t.Errorf("the cluster was deployed %d times", got)
				}
			})
		}
	}
}

// TestRotateResumes finds what a killed run left.
func TestRotateResumes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		// given leaves the traces of a rotation to a key that the user has already.
		given func(s *stage, orphan *simulator.AccessKey)
		// resumed is whether the rotation to that key is resumed.
		resumed bool
	}{
		"the key's id was never recorded": {
			func(s *stage, _ *simulator.AccessKey) { s.writeJournal(rotation.StageCreating, "", 0) }, false,
		},
		"the key's id was never recorded, long ago, by another run": {
			func(s *stage, _ *simulator.AccessKey) {
				s.writeJournal(rotation.StageCreating, "", 0)
				s.Clock().Advance(24 * time.Hour)
			}, false,
		},
		"the key was verified": {
			func(s *stage, orphan *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, orphan.ID, 0)
				orphan.MarkUsed("sts", "eu-west-3")
			}, false,
		},
		"Qovery has the key": {
			func(s *stage, orphan *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, orphan.ID, 0)
				s.set.SetKey(orphan)
				s.cluster.Registry().SetKey(orphan)
			}, true,
		},
		"Qovery has the key, from another run": {
			func(s *stage, orphan *simulator.AccessKey) {
				s.writeJournal(rotation.StageVerifying, orphan.ID, 0)
				s.set.SetKey(orphan)
				s.cluster.Registry().SetKey(orphan)
			}, true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			orphan := s.user.AddKey()
			s.Expendable(orphan)
			test.given(s, orphan)
			outcome := s.mustRotate(s.request())
			s.checkRotated(outcome)
			if resumed := outcome.AccessKeyID == orphan.ID; resumed != test.resumed {
				t.Errorf("the key is %s, the one that was there is %s", outcome.AccessKeyID, orphan.ID)
			}
		})
	}
}
