package simulator

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		fault    Fault
		status   int // 0: no answer
		text     string
		deployed bool
	}{
		{Fault{Kind: FaultBefore500}, 500, `"message":"Internal Server Error"`, false},
		{Fault{Kind: FaultAfter500}, 500, `"message":"Internal Server Error"`, true},
		{Fault{Kind: FaultStatus, Status: 403}, 403, `"message":"Forbidden"`, false},
		{Fault{Kind: Fault429, RetryAfter: 7 * time.Second}, 429, "Too Many Requests", false},
		{Fault{Kind: FaultHTML}, 502, "<!DOCTYPE html>", false},
		{Fault{Kind: FaultHTML, Status: 200}, 200, "<!DOCTYPE html>", false},
		{Fault{Kind: FaultHTMLAfter}, 502, "<!DOCTYPE html>", true},
		{Fault{Kind: FaultHang}, 0, "", false},
		{Fault{Kind: FaultHangAfter}, 0, "", true},
		{Fault{Kind: FaultResetBefore}, 0, "", false},
		{Fault{Kind: FaultResetAfter}, 0, "", true},
		{Fault{Kind: FaultLost}, 0, "", true},
	} {
		t.Run(string(c.fault.Kind), func(t *testing.T) {
			p := newProduction(t)
			c.fault.Match = Operation(OpDeployCluster)
			p.w.Inject(c.fault)
			patience := 10 * time.Second
			if c.fault.Kind == FaultHang || c.fault.Kind == FaultHangAfter {
				patience = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r, err := tryQovery(ctx, p.w, p.w.Token(), http.MethodPost, p.clusterPath("/deploy"), nil)
			if r.status != c.status || (err != nil) != (c.status == 0) || !strings.Contains(r.text, c.text) {
				t.Errorf("got %d %q, %v; want %d %q", r.status, r.text, err, c.status, c.text)
			}
			reset := c.fault.Kind == FaultResetBefore || c.fault.Kind == FaultResetAfter
			if reset != errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("the connection was reset: %t, want %t: %v", !reset, reset, err)
			}
			if got := r.header.Get("Retry-After"); (got == "7") != (c.fault.Kind == Fault429) {
				t.Errorf("Retry-After is %q", got)
			}
			if deployed := len(p.cluster.Deployments()) == 1; deployed != c.deployed {
				t.Errorf("deployed is %t, want %t", deployed, c.deployed)
			}
			if reached := len(p.w.Mutations()) == 1; reached != c.deployed {
				t.Errorf("Mutations lists the request: %t, want %t", reached, c.deployed)
			}
			request := p.w.Requests()[0]
			if request.Status != c.status || request.Fault != c.fault.Kind || !request.Mutating {
				t.Errorf("the record is %s", request)
			}
			if p.cluster.State() != "DEPLOYED" {
				t.Errorf("the cluster is %s", p.cluster.State())
			}
			if r := ask(t, p.w, http.MethodGet, p.clusterPath("/status"), nil); r.status != http.StatusOK {
				t.Errorf("the next request got %d", r.status)
			}
		})
	}
}

func TestFaultsOfAWS(t *testing.T) {
	p := newProduction(t)
	client := iamClient(p.w, p.w.Operator())
	for kind, code := range map[FaultKind]string{
		FaultBefore500: "ServiceFailure", Fault429: "Throttling", FaultAfter500: "ServiceFailure",
	} {
		p.w.FailNext("ListAccessKeys", kind)
		_, err := client.ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &p.user.Name})
		if awsCode(err) != code {
			t.Errorf("%s: got %v, want %s", kind, err, code)
		}
	}
	p.w.FailNext("CreateAccessKey", FaultLost)
	if _, err := client.CreateAccessKey(t.Context(), &iam.CreateAccessKeyInput{UserName: &p.user.Name}); err == nil {
		t.Error("the answer was not lost")
	}
	if got := len(p.user.Keys()); got != 2 {
		t.Errorf("the user has %d keys, want 2", got)
	}
}

func TestWhichRequestsMeetAFault(t *testing.T) {
	for what, c := range map[string]struct {
		fault Fault
		want  string
	}{
		"the next one":          {Fault{}, "!...."},
		"the second one":        {Fault{At: 2}, ".!..."},
		"two from the third on": {Fault{At: 3, Times: 2}, "..!!."},
		"all from the third on": {Fault{At: 3, Times: -1}, "..!!!"},
		"none that matches":     {Fault{Match: Operation(OpDeployCluster)}, "....."},
	} {
		p := newProduction(t)
		c.fault.Kind = FaultBefore500
		p.w.Inject(c.fault)
		var got strings.Builder
		for range 5 {
			if r := ask(t, p.w, http.MethodGet, p.path(""), nil); r.status == http.StatusOK {
				got.WriteString(".")
			} else {
				got.WriteString("!")
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: got %s, want %s", what, got.String(), c.want)
		}
	}
}

func TestCallsBeforeAndAfter(t *testing.T) {
	p := newProduction(t)
	deployments := make(chan int, 3)
	count := func(r Request) {
		if r.Operation != OpDeployCluster {
			t.Errorf("called for %s", r)
		}
		deployments <- len(p.cluster.Deployments())
	}
	p.w.Before(OpDeployCluster, count)
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	p.w.Clock().Advance(5 * time.Minute)
	p.w.After(OpDeployCluster, count)
	ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	p.w.Clock().Advance(5 * time.Minute)
	p.w.Inject(Fault{Kind: FaultCallInstead, Call: count})
	if _, err := tryQovery(t.Context(), p.w, p.w.Token(), http.MethodPost, p.clusterPath("/deploy"), nil); err == nil {
		t.Error("the last request got an answer")
	}
	for i, want := range []int{0, 2, 2} {
		if got := <-deployments; got != want {
			t.Errorf("call %d saw %d deployments, want %d", i+1, got, want)
		}
	}
	if got := len(p.w.Mutations()); got != 2 {
		t.Errorf("%d requests reached the API, want 2", got)
	}
}

func TestClearFaults(t *testing.T) {
	p := newProduction(t)
	p.w.Inject(Fault{Kind: FaultBefore500, Times: -1})
	p.w.ClearFaults()
	if r := ask(t, p.w, http.MethodGet, p.path(""), nil); r.status != http.StatusOK {
		t.Errorf("got %d", r.status)
	}
}

// TestCloseEndsHangingRequests checks that a hanging request does not keep a test from ending.
func TestCloseEndsHangingRequests(t *testing.T) {
	p := newProduction(t)
	p.w.Inject(Fault{Kind: FaultHang})
	failed := make(chan error)
	go func() {
		_, err := tryQovery(context.Background(), p.w, p.w.Token(), http.MethodGet, p.path(""), nil)
		failed <- err
	}()
	// A hanging request does not stop the clock.
	for len(p.w.Requests()) == 0 {
		if err := p.w.Clock().Sleep(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.w.Clock().Sleep(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	p.w.Close()
	if err := <-failed; err == nil {
		t.Error("the request got an answer")
	}
}

func TestRecordOfRequests(t *testing.T) {
	p := newProduction(t)
	id, secret := p.createKey(t)
	p.put(t, id, secret)
	ask(t, p.w, http.MethodGet, p.clusterPath("/status"), nil)
	var lines []string
	for _, r := range p.w.Requests() {
		lines = append(lines, r.String())
	}
	want := []string{
		"1 09:00:00 iam CreateAccessKey of " + id + " → 200",
		"2 09:00:04 qovery " + OpEditAWSCredentials + " of " + id + " → 200",
		"3 09:00:04 qovery " + OpGetClusterStatus + " → 200",
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("the record is\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
	first := p.w.Requests()[0]
	if first.SignedBy != p.w.Operator().ID || first.Region != "us-east-1" && first.Region != "eu-west-3" {
		t.Errorf("signed by %s in %s", first.SignedBy, first.Region)
	}
	if got := len(p.w.Mutations()); got != 2 {
		t.Errorf("%d requests were for a change, want 2", got)
	}
	p.w.ResetRequests()
	ask(t, p.w, http.MethodGet, p.path(""), nil)
	if got := p.w.Requests(); len(got) != 1 || got[0].N != 1 {
		t.Errorf("after the reset: %v", got)
	}
}
