package rotation_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	describeRegions    = "DescribeRegions"
	listAccountAliases = "ListAccountAliases"
)

// verificationTook is the time from the creation of the new key to the request that stores it in Qovery.
func (s *stage) verificationTook() time.Duration {
	var created time.Time
	for _, r := range s.Requests() {
		switch r.Operation {
		case createAccessKey:
			created = r.Time
		case simulator.OpEditAWSCredentials:
			return r.Time.Sub(created)
		}
	}
	s.t.Error("Qovery got no key")
	return 0
}

// The services are asked while STS is waited for. That costs no time if they know the key, if they deny the request, and if
// they do not answer anything about the key.
func TestRotateAsksServicesAtNoTime(t *testing.T) {
	t.Parallel()
	always := func(kind simulator.FaultKind, status int) func(*stage) {
		return func(s *stage) {
			for _, operation := range []string{describeRegions, listAccountAliases} {
				s.Inject(simulator.Fault{Kind: kind, Status: status, Match: simulator.Operation(operation), Times: -1})
			}
		}
	}
	for name, given := range map[string]func(*stage){
		"they know the key": func(*stage) {},
		"they deny it": func(s *stage) {
			s.DenyAction("ec2:" + describeRegions)
			s.DenyAction("iam:" + listAccountAliases)
		},
		"they know the key a little later than STS": func(s *stage) {
			for _, api := range []string{simulator.APIEC2, simulator.APIIAM} {
				s.SetServiceDelay(api, "eu-west-3", 7*time.Second)
			}
		},
		"they do not know the action": always(simulator.FaultStatus, 501),
		"they are not there":          always(simulator.FaultStatus, 404),
		"they fail":                   always(simulator.FaultBefore500, 0),
		"they are asked too often":    always(simulator.Fault429, 0),
		"a proxy answers":             always(simulator.FaultHTML, 200),
		"they cannot be reached":      always(simulator.FaultResetBefore, 0),
		"they never answer":           always(simulator.FaultHang, 0),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var took [2]time.Duration
			for i, onlySTS := range []bool{true, false} {
				s := newStage(t)
				s.onlySTS = onlySTS
				s.SetPropagationDelay("eu-west-3", 0)
				given(s)
				outcome := s.mustRotate(s.request())
				s.checkRotated(outcome)
				took[i] = s.verificationTook()
				for _, operation := range []string{describeRegions, listAccountAliases} {
					if got := s.sent(operation); got != i {
						t.Errorf("%s was sent %d times, want %d", operation, got, i)
					}
				}
				for _, r := range s.Requests() {
					if (r.Operation == describeRegions || r.Operation == listAccountAliases) && r.SignedBy != outcome.AccessKeyID {
						t.Errorf("%s is signed with %s, not with the new key", r.Operation, r.SignedBy)
					}
				}
			}
			if took[0] != took[1] {
				t.Errorf("with STS alone it took %s, with the services %s", took[0], took[1])
			}
		})
	}
}

// askedIAM records which services were asked.
type askedIAM struct {
	rotation.IAM
	mu    sync.Mutex
	asked []string
}

// TryKey implements [rotation.IAM].
func (i *askedIAM) TryKey(ctx context.Context, key rotation.NewAccessKey, service rotation.Service, region string) error {
	i.mu.Lock()
	i.asked = append(i.asked, string(service)+" "+region)
	i.mu.Unlock()
	return i.IAM.TryKey(ctx, key, service, region)
}

// EC2 is asked in the region of every cluster. IAM has no regions.
func TestRotateAsksServicesInEveryRegion(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	for _, region := range []string{"us-east-1", "ap-south-1", "us-east-1"} {
		s.org.AddCluster("in "+region, region, s.set)
	}
	iam := &askedIAM{}
	process := s.processWith(func(port rotation.IAM) rotation.IAM {
		iam.IAM = port
		return iam
	})
	if _, err := process.Rotate(t.Context(), s.request()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(iam.asked)
	if want := []string{"ec2 ap-south-1", "ec2 eu-west-3", "ec2 us-east-1", "iam ap-south-1"}; !slices.Equal(slices.Compact(iam.asked), want) {
		t.Errorf("asked %v, want %v", iam.asked, want)
	}
}

// Qovery is not given the key before every service knows it. The simulator checks that too.
func TestRotateWaitsForServices(t *testing.T) {
	t.Parallel()
	for _, api := range []string{simulator.APIEC2, simulator.APIIAM} {
		t.Run(api, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.SetServiceDelay(api, "eu-west-3", 40*time.Second)
			var w watcher
			outcome, err := s.process().Rotate(w.watch(t.Context()), s.request())
			if err != nil {
				t.Fatal(err)
			}
			s.checkRotated(outcome)
			if took := s.verificationTook(); took < 40*time.Second || took > 52*time.Second {
				t.Errorf("Qovery got the key after %s", took)
			}
			told := slices.DeleteFunc(w.told("service", "region"), func(line string) bool {
				return line != "a service of AWS does not know the new access key yet service="+api+" region=eu-west-3"
			})
			if len(told) != 1 {
				t.Errorf("told %d times that %s does not know the key", len(told), api)
			}
		})
	}
}

// If a service did not know the key, other errors of it do not count as knowing. When the time is over, the rotation is rolled
// back, and the next apply tries again.
func TestRotateWithoutAServiceThatKnowsTheKey(t *testing.T) {
	t.Parallel()
	for name, given := range map[string]func(*stage){
		"never": func(*stage) {},
		"silent afterwards": func(s *stage) {
			s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(describeRegions), At: 2, Times: -1})
		},
		"silent before its last success": func(s *stage) {
			s.SetServiceDelay(simulator.APIEC2, "eu-west-3", 11*time.Second)
			s.Inject(simulator.Fault{Kind: simulator.FaultBefore500, Match: simulator.Operation(describeRegions), At: 6, Times: -1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			s.SetServiceDelay(simulator.APIEC2, "eu-west-3", time.Hour)
			given(s)
			_, err := s.rotate(s.request())
			checkProblem(t, err, rotation.SummaryVerification, `in region "eu-west-3", but EC2 did not within 1m30s`, "AuthFailure",
				"verify_services = false", "The attempt was rolled back")
			s.checkUntouched()
			s.ClearFaults()
			s.SetServiceDelay(simulator.APIEC2, "eu-west-3", 0)
			s.checkRotated(s.mustRotate(s.request()))
		})
	}
}

// A run that is killed while services are asked leaves a key that was used for EC2 or IAM. The key is an orphan nevertheless.
func TestRotateAfterARunThatAskedServices(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{describeRegions, listAccountAliases} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			api := map[string]string{describeRegions: "ec2", listAccountAliases: "iam"}[operation]
			key := s.user.AddKey()
			s.Expendable(key)
			s.writeJournal(rotation.StageVerifying, key.ID, 0)
			key.MarkUsed(api, "eu-west-3")
			s.Clock().Advance(time.Hour)
			s.mustRotate(s.request())
			if key.Exists() {
				t.Error("the orphan is still there")
			}
		})
	}
}

// A use long after the verification is a use by somebody else.
func TestRotateKeepsAKeyThatIsUsedLater(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	key := s.user.AddKey()
	s.writeJournal(rotation.StageVerifying, key.ID, 0)
	s.Clock().Advance(time.Hour)
	key.MarkUsed("ec2", "eu-west-3")
	if _, err := s.rotate(s.request()); err == nil || !key.Exists() {
		t.Errorf("a key that is in use was deleted, error %v", err)
	}
}
