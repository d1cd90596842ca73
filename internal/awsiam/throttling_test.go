package awsiam

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// inProcess sends requests to a simulated world without a network. The world's clock follows the fake clock of a synctest
// bubble.
type inProcess struct {
	world *simulator.World
	start time.Time // by the world's clock
	began time.Time // by the bubble's clock

	refused atomic.Int64
}

// Do implements [aws.HTTPClient].
func (p *inProcess) Do(r *http.Request) (*http.Response, error) {
	time.Sleep(50 * time.Millisecond)
	p.world.Clock().AdvanceTo(p.start.Add(time.Since(p.began)))
	r.Host = r.URL.Host
	recorder := httptest.NewRecorder()
	p.world.AWSHandler().ServeHTTP(recorder, r)
	if recorder.Code == http.StatusBadRequest {
		p.refused.Add(1)
	}
	return recorder.Result(), nil
}

// inBubble returns a client whose requests take time on the bubble's clock only.
func inBubble(t *testing.T, world *simulator.World) (*Client, *inProcess) {
	t.Helper()
	client := newTestClient(t, Config{})
	transport := &inProcess{world: world, start: world.Clock().Now(), began: time.Now()}
	client.config.HTTPClient = transport
	client.iam = operationsOf(client.newIAM())
	return client, transport
}

// TestThousandsOfReadsAtTheLimitOfIAM reads the keys of thousands of users, as a plan does, with Terraform's default
// parallelism and with ten times as much. It may take little longer than IAM's limit requires, without an error and with few
// refused requests. The limit is an assumption: AWS publishes none for IAM.
func TestThousandsOfReadsAtTheLimitOfIAM(t *testing.T) {
	const perSecond, burst = 20, 100
	for parallelism, users := range map[int]int{10: 5000, 100: 1500} {
		t.Run(fmt.Sprint(parallelism), func(t *testing.T) {
			world := simulator.New(t)
			world.LimitIAM(perSecond, burst)
			name := world.AddUser("qovery").Name
			for variable, value := range world.Env() {
				t.Setenv(variable, value)
			}
			synctest.Test(t, func(t *testing.T) {
				client, transport := inBubble(t, world)
				var group sync.WaitGroup
				for i := range parallelism {
					group.Go(func() {
						for n := i; n < users; n += parallelism {
							if _, err := client.AccessKeys(t.Context(), name); err != nil {
								t.Errorf("read %d: %s", n, err)
							}
						}
					})
				}
				group.Wait()
				took, fastest := time.Since(transport.began), time.Duration(users-burst)*time.Second/perSecond
				refused := int(transport.refused.Load())
				t.Logf("%s, at the limit %s; IAM refused %d requests", took, fastest, refused)
				if took > fastest*11/10 || refused == 0 || refused > max(users/20, parallelism*2) {
					t.Errorf("it took %s with %d refused requests", took, refused)
				}
			})
		})
	}
}

// TestOneThrottledRequest checks that one throttled request does not slow down the next ones much.
func TestOneThrottledRequest(t *testing.T) {
	world := simulator.New(t)
	name := world.AddUser("qovery").Name
	for variable, value := range world.Env() {
		t.Setenv(variable, value)
	}
	synctest.Test(t, func(t *testing.T) {
		client, transport := inBubble(t, world)
		world.FailNext("ListAccessKeys", simulator.Fault429)
		for range 12 {
			if _, err := client.AccessKeys(t.Context(), name); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(transport.began); took > 6*time.Second {
			t.Errorf("12 requests took %s", took)
		}
	})
}
