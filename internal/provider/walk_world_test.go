package provider_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// newWalk returns a walk on a stage whose only key is 90 days old.
func newWalk(t *testing.T, seed uint64) *walk {
	t.Helper()
	world, err := simulator.Start(simulator.Config{DeploymentDuration: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	w := &walk{random: rand.New(rand.NewPCG(1, seed)), states: []map[string]object{{}}}
	t.Cleanup(func() {
		world.Close()
		for _, violation := range world.Violations() {
			if !slices.ContainsFunc(w.tolerated, func(end string) bool { return strings.HasSuffix(violation, end) }) {
				t.Errorf("violation: %s", violation)
			}
		}
		if t.Failed() {
			t.Logf("%s\n%s", strings.Join(w.story, "\n"), world.Timeline())
		}
	})
	w.stage = newStageIn(t, world)
	w.charts = w.org.AddHelmRepository("charts", "OCI_ECR", w.key)
	w.Expendable(w.key)
	w.here = w.newWorkspace()
	return w
}

func (w *walk) newWorkspace() *workspace {
	return &workspace{stage: w.stage, objects: map[string]object{}, tainted: map[string]bool{}, isDead: w.isDead.Load}
}

func (w *walk) tell(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.story = append(w.story, fmt.Sprintf(format, values...))
}

// tolerateEnd tolerates violations that end like this.
func (w *walk) tolerateEnd(format string, values ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tolerated = append(w.tolerated, fmt.Sprintf(format, values...))
}

// tellRun tells how a run ended, and what it left.
func (w *walk) tellRun(what string, err error) {
	result := "succeeds"
	if err != nil {
		result, _, _ = strings.Cut(err.Error(), "\n")
	}
	var keys, holders []string
	for _, key := range w.user.Keys() {
		keys = append(keys, fmt.Sprintf("%s (Active: %t)", key.ID, key.Active()))
	}
	for _, holder := range w.holders() {
		holders = append(holders, holder.AccessKeyID())
	}
	w.tell("%s %s: %s; keys %s; holders %s; journal %v", w.Clock().Now().Format(time.DateTime), what, result, keys, holders, w.user.Tags())
}

// holders returns all objects in Qovery that store an access key, the credentials last.
func (w *walk) holders() []*simulator.Holder {
	return []*simulator.Holder{w.charts, w.cluster.Registry(), &w.set.Holder}
}

// leftBehind returns the holders whose key is not that of the credentials.
func (w *walk) leftBehind() []*simulator.Holder {
	return slices.DeleteFunc(w.holders(), func(h *simulator.Holder) bool { return h.AccessKeyID() == w.set.AccessKeyID() })
}

// tolerate tolerates what a repair cannot avoid: the keys of stale holders are deactivated and deleted some seconds before the
// holders get another one. If it is interrupted, clusters may be deployed with them.
func (w *walk) tolerate() {
	for _, holder := range w.leftBehind() {
		for _, how := range []string{"deactivated", "deleted"} {
			w.tolerateEnd("%s was %s while %s of organization acme holds it", holder.AccessKeyID(), how, holder.Object()["name"])
		}
		for _, why := range []string{"does not exist", "is inactive"} {
			w.tolerateEnd("was deployed with %s: the access key %s", holder.AccessKeyID(), why)
		}
	}
}

// fixByHand follows the instructions in the errors: it stores Qovery's key in every holder, deploys the cluster, and deletes other
// keys after the drain window.
func (w *walk) fixByHand() {
	w.tell("fixing by hand")
	keys := w.user.Keys()
	for _, key := range keys {
		if key.ID == w.set.AccessKeyID() {
			for _, holder := range w.holders() {
				holder.SetKey(key)
			}
			w.cluster.DeployBySomebodyElse()
		}
	}
	w.Clock().Advance(afterDrain)
	for _, key := range keys {
		if key.ID != w.set.AccessKeyID() {
			key.Delete()
		}
	}
}

// expectSettled checks that there is one key, which every holder stores and the cluster runs with, and no journal.
func (w *walk) expectSettled() {
	w.t.Helper()
	current, keys := w.set.AccessKeyID(), w.user.Keys()
	if len(keys) != 1 || keys[0].ID != current || !keys[0].Active() {
		w.t.Errorf("Qovery holds %s, and there are %d keys", current, len(keys))
	}
	for _, holder := range w.leftBehind() {
		w.t.Errorf("%s has %s, want %s", holder.Object()["name"], holder.AccessKeyID(), current)
	}
	deployments := w.cluster.Deployments()
	if last := deployments[len(deployments)-1]; last.AccessKeyID != current || last.State != "DEPLOYED" {
		w.t.Errorf("the last deployment is %+v, want one with %s that is DEPLOYED", last, current)
	}
	if tags := w.user.Tags(); len(tags) > 0 {
		w.t.Errorf("a journal is left: %v", tags)
	}
}

// expectDrained checks that no key was deleted before the end of its drain window, by the world's clock. After a leak, keys have no drain window.
func (w *walk) expectDrained() {
	w.t.Helper()
	if w.compromised != "" {
		return
	}
	for _, early := range w.Timeline().EarlyDeletions(2 * time.Hour) {
		w.t.Error(early)
	}
}
