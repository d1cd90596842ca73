package simulator

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
)

// probe is a [TB] that records the errors of a world.
type probe struct {
	cleanups []func()
	errors   []string
}

func (p *probe) Helper()          {}
func (p *probe) Cleanup(f func()) { p.cleanups = append(p.cleanups, f) }
func (p *probe) Errorf(format string, args ...any) {
	p.errors = append(p.errors, fmt.Sprintf(format, args...))
}
func (p *probe) Fatalf(format string, args ...any) { p.Errorf(format, args...) }

func (p production) deleteKey(t *testing.T, key *AccessKey) {
	t.Helper()
	must(iamClient(p.w, p.w.Operator()).DeleteAccessKey(t.Context(),
		&iam.DeleteAccessKeyInput{UserName: &key.User().Name, AccessKeyId: &key.ID}))(t)
}

func (p production) deactivateKey(t *testing.T, key *AccessKey) {
	t.Helper()
	must(iamClient(p.w, p.w.Operator()).UpdateAccessKey(t.Context(), &iam.UpdateAccessKeyInput{
		UserName: &key.User().Name, AccessKeyId: &key.ID, Status: types.StatusTypeInactive,
	}))(t)
}

// cutover replaces the key in Qovery: in the credentials by requests, and in the cluster's registry in the console.
func (p production) cutover(t *testing.T) {
	t.Helper()
	id, secret := p.createKey(t)
	p.put(t, id, secret)
	p.cluster.Registry().SetKey(&AccessKey{ID: id, Secret: secret})
}

// environment adds an environment that was never deployed.
func (p production) environment() *Environment {
	return p.org.AddProject("shop").AddEnvironment("staging", p.cluster)
}

func TestViolations(t *testing.T) {
	for what, c := range map[string]struct {
		do   func(t *testing.T, p production)
		want []string
	}{
		"a whole rotation": {func(t *testing.T, p production) {
			p.cutover(t)
			ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
			p.w.Clock().Advance(3 * time.Hour)
			p.deactivateKey(t, p.key)
			p.deleteKey(t, p.key)
		}, nil},
		"a key of which the secret was lost": {func(t *testing.T, p production) {
			p.createKey(t)
			p.deleteKey(t, p.user.Keys()[1])
		}, nil},
		"Qovery's key is deactivated": {func(t *testing.T, p production) {
			p.deactivateKey(t, p.key)
		}, []string{"deactivated while registry-", "deactivated while production"}},
		"a registry still has the key": {func(t *testing.T, p production) {
			p.cutover(t)
			p.cluster.Registry().SetKey(p.key)
			p.deleteKey(t, p.key)
		}, []string{"deleted while registry-"}},
		"a DNS provider still has the key": {func(t *testing.T, p production) {
			p.cluster.SetRoute53DNS(p.key)
			p.cutover(t)
			p.deleteKey(t, p.key)
		}, []string{"deleted while acme.example"}},
		"a deployment still uses the key": {func(t *testing.T, p production) {
			p.cluster.DeployBySomebodyElse()
			p.cutover(t)
			p.deleteKey(t, p.key)
		}, []string{"deleted while cluster prod is deployed"}},
		"a registry's key is used by a deployment": {func(t *testing.T, p production) {
			images := p.w.AddUser("images").AddKey()
			p.w.Expendable(images)
			p.cluster.Registry().SetKey(images)
			p.cluster.DeployBySomebodyElse()
			p.cluster.Registry().SetKey(p.key)
			p.deleteKey(t, images)
		}, []string{"deleted while cluster prod is deployed"}},
		"the key is used by an environment": {func(t *testing.T, p production) {
			p.environment().Deploy(3 * time.Hour)
			p.cutover(t)
			p.w.Clock().Advance(2 * time.Hour)
			p.deactivateKey(t, p.key)
		}, []string{"deactivated while environment staging is deployed"}},
		"the key is no longer used by an environment": {func(t *testing.T, p production) {
			p.environment().Deploy(3 * time.Hour)
			p.cutover(t)
			p.w.Clock().Advance(3 * time.Hour)
			p.deactivateKey(t, p.key)
		}, nil},
		"an environment waits and has no key yet": {func(t *testing.T, p production) {
			p.cluster.DeployBySomebodyElse()
			p.environment().Deploy(3 * time.Hour)
			p.cutover(t)
			p.w.Clock().Advance(time.Hour)
			p.deactivateKey(t, p.key)
		}, nil},
		"an environment meets a dead key": {func(t *testing.T, p production) {
			p.cutover(t)
			p.cluster.Registry().SetKey(p.key)
			p.deactivateKey(t, p.key)
			p.environment().Deploy(time.Hour)
		}, []string{"deactivated while registry-", "environment staging was deployed with"}},
		"maintenance meets a dead key": {func(t *testing.T, p production) {
			p.cutover(t)
			p.cluster.Registry().SetKey(p.key)
			p.deleteKey(t, p.key)
			p.cluster.Maintain(time.Hour)
		}, []string{"deleted while registry-", "cluster prod was deployed with"}},
		"a request deploys with a dead key": {func(t *testing.T, p production) {
			p.cluster.Registry().SetKey(p.w.Operator())
			p.key.Delete()
			ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
		}, []string{"does not exist"}},
		"a key that died is alive again": {func(t *testing.T, p production) {
			p.cutover(t)
			p.deactivateKey(t, p.key)
			p.key.Activate()
			p.cluster.Registry().SetKey(p.key)
			p.key.Deactivate()
			p.environment().Deploy(time.Hour)
		}, nil},
		"the key is somebody else's": {func(t *testing.T, p production) {
			p.deleteKey(t, p.user.AddKey())
		}, []string{"which no request created or replaced"}},
		"the key is somebody else's, and expendable": {func(t *testing.T, p production) {
			key := p.user.AddKey()
			p.w.Expendable(key)
			p.deleteKey(t, key)
		}, nil},
		"the key was replaced in the console": {func(t *testing.T, p production) {
			next := p.user.AddKey()
			p.creds.SetKey(next)
			p.cluster.Registry().SetKey(next)
			p.deleteKey(t, p.key)
		}, []string{"which no request created or replaced"}},
		"Qovery gets an inactive key": {func(t *testing.T, p production) {
			key := p.user.AddKey()
			key.Deactivate()
			p.put(t, key.ID, key.Secret)
		}, []string{"is inactive"}},
		"Qovery gets a wrong secret": {func(t *testing.T, p production) {
			key := p.user.AddKey()
			p.put(t, key.ID, p.key.Secret)
		}, []string{"secret access key is wrong"}},
		"Qovery gets a key that is not known in every region": {func(t *testing.T, p production) {
			p.org.AddCluster("us", "us-west-2", p.creds)
			p.w.SetPropagationDelay("us-west-2", time.Minute)
			id, secret := p.createKey(t)
			p.put(t, id, secret)
		}, []string{"not yet known to sts in us-west-2"}},
		"a replaced key signs": {func(t *testing.T, p production) {
			p.cutover(t)
			must(stsClient(p.w, "eu-west-3", p.key.ID, p.key.Secret, "").GetCallerIdentity(t.Context(), nil))(t)
		}, []string{"signed with"}},
		"a key that came back signs": {func(t *testing.T, p production) {
			p.cutover(t)
			p.put(t, p.key.ID, p.key.Secret)
			must(stsClient(p.w, "eu-west-3", p.key.ID, p.key.Secret, "").GetCallerIdentity(t.Context(), nil))(t)
		}, nil},
		"a stopped cluster is started": {func(t *testing.T, p production) {
			p.cluster.Stop()
			ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
		}, []string{"it was STOPPED"}},
		"a new cluster is started": {func(t *testing.T, p production) {
			c := p.org.AddNewCluster("new", "eu-west-3", p.creds)
			ask(t, p.w, http.MethodPost, p.path("/cluster/"+c.ID+"/deploy"), nil)
		}, []string{"it was READY"}},
		"a cluster that Qovery does not manage": {func(t *testing.T, p production) {
			p.cluster.SetKubernetes("SELF_MANAGED")
			ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
		}, []string{"which is SELF_MANAGED"}},
		"people do as they like": {func(_ *testing.T, p production) {
			p.cluster.Stop()
			p.key.Deactivate()
			p.cluster.DeployBySomebodyElse()
			p.environment().Deploy(time.Hour)
			p.key.Activate()
			p.key.Delete()
		}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			world, err := Start(Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer world.Close()
			p := populate(world)
			c.do(t, p)
			got := world.Violations()
			if len(got) != len(c.want) {
				t.Fatalf("the violations are %q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("violation %d is %q, want %q", i, got[i], want)
				}
			}
		})
	}
}

// TestViolationsBeginWithTheirKind checks that tests can recognize violations by their kinds.
func TestViolationsBeginWithTheirKind(t *testing.T) {
	world := must(Start(Config{}))(t)
	defer world.Close()
	p := populate(world)
	p.deleteKey(t, p.key)
	p.environment().Deploy(time.Hour)
	want := []ViolationKind{ViolationHeldKey, ViolationHeldKey, ViolationForeignKey, ViolationDeadKey, ViolationDeadKey}
	got := world.Violations()
	if len(got) != len(want) {
		t.Fatalf("the violations are %q", got)
	}
	for i, kind := range want {
		if !strings.HasPrefix(got[i], string(kind)+": ") {
			t.Errorf("violation %d is %q, want it to begin with %q", i, got[i], kind)
		}
	}
}

func TestDeadHolders(t *testing.T) {
	p := newProduction(t)
	registry := p.cluster.Registry()
	other := p.w.AddUser("other").AddKey()
	other.Deactivate()
	images := p.org.AddRegistry("images", "ECR", other)
	p.w.Clock().Advance(time.Hour)
	p.key.Delete()
	p.w.Clock().Advance(10 * time.Second)
	next := p.user.AddKey()
	registry.SetKey(next)
	p.creds.SetKey(next)
	p.w.Clock().Advance(time.Hour)
	other.Activate()
	next.Deactivate()

	now, died := p.w.Clock().Now(), start.Add(time.Hour)
	want := []DeadHolder{
		{images, other.ID, start, now},
		{registry, p.key.ID, died, died.Add(10 * time.Second)},
		{&p.creds.Holder, p.key.ID, died, died.Add(10 * time.Second)},
		{registry, next.ID, now, time.Time{}},
		{&p.creds.Holder, next.ID, now, time.Time{}},
	}
	if got := p.w.DeadHolders(); !slices.Equal(got, want) {
		t.Errorf("the dead holders are %v, want %v", got, want)
	}
	if got := registry.Name(); !strings.HasPrefix(got, "registry-") {
		t.Errorf("the registry is called %s", got)
	}
}

func TestNewFailsATestWithViolations(t *testing.T) {
	test := &probe{}
	w := New(test)
	user := w.AddUser("qovery")
	key := user.AddKey()
	production{w: w}.deleteKey(t, key)
	for _, f := range test.cleanups {
		f()
	}
	if len(test.errors) != 1 || !strings.Contains(test.errors[0], key.ID) {
		t.Errorf("the test reports %q", test.errors)
	}
	if _, err := tryQovery(t.Context(), w, w.Token(), http.MethodGet, "/", nil); err == nil {
		t.Error("the world is still there")
	}
}

func TestAddKeyRefusesAThirdKey(t *testing.T) {
	user := New(t).AddUser("qovery")
	user.AddKey()
	user.AddKey().Deactivate()
	defer func() {
		if recover() == nil {
			t.Error("the user got a third key")
		}
	}()
	user.AddKey()
}
