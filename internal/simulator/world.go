// Package simulator is a world of two APIs with one state behind them: AWS (IAM, STS and a bit of EC2) and Qovery, served over HTTP on
// loopback. It is for tests, the demo and the benchmark.
//
// Time is simulated, faults are injected, every request is recorded, and the world itself watches over what must never
// happen (see [World.Violations]). What a test does through the methods of this package is what people do in the consoles
// of AWS and Qovery; only requests are judged.
package simulator

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

const defaultRegion = "eu-west-3"

// Config says how a world behaves. The zero value of a duration stands for the default; a negative one for none at all.
type Config struct {
	// Clock is the world's time; by default a simulated clock that starts in January 2027.
	Clock *Clock
	// DeploymentDuration is the time from the request to the end of a cluster deployment; 5 minutes by default.
	DeploymentDuration time.Duration
	// InvisibleFor is how long a status still shows the previous deployment after a new one was asked for; 3 seconds by
	// default.
	InvisibleFor time.Duration
	// PropagationDelay is how long AWS does not know a new access key; 4 seconds by default. In the second half of it,
	// some requests succeed already and others do not. See also [World.SetPropagationDelay].
	PropagationDelay time.Duration
	// LastUseLag is how late IAM reports the use of a key; none by default.
	LastUseLag time.Duration
	// BudgetResetIsTime has X-RateLimit-Reset tell a time, in seconds since 1970, and not how many seconds are left. See
	// [World.SetBudget].
	BudgetResetIsTime bool
	// Latency is the real time that every request takes; none by default.
	Latency time.Duration
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = NewClock(time.Date(2027, time.January, 4, 9, 0, 0, 0, time.UTC))
	}
	c.DeploymentDuration = orDefault(c.DeploymentDuration, 5*time.Minute)
	c.InvisibleFor = orDefault(c.InvisibleFor, 3*time.Second)
	c.PropagationDelay = orDefault(c.PropagationDelay, 4*time.Second)
	return c
}

func orDefault(d, standard time.Duration) time.Duration {
	if d == 0 {
		return standard
	}
	return max(d, 0)
}

// World is AWS and Qovery.
type World struct {
	config  Config
	clock   *Clock
	servers []*http.Server
	closed  chan struct{}
	close   sync.Once

	awsURL, qoveryURL, controlURL string

	account *Account

	mu                                  sync.Mutex
	token, readOnlyToken, strangerToken string
	webIdentityToken                    string
	secrets                             []string
	skewAWS, skewQovery                 time.Duration

	// AWS
	accounts     []*Account
	keys         map[string]*AccessKey
	sessions     map[string]session
	denied       map[string]Denial
	expected     []string
	propagations map[place]time.Duration
	iamLimit     tokenBucket

	// Qovery
	organizations map[string]*Organization
	clusters      map[string]*Cluster
	projects      map[string]*Project
	environments  map[string]*Environment
	policies      map[string][]string // token to the operations that it may not do
	budget        budget
	running       []*run // deployments under way

	// What is watched
	requests   []*Request
	faults     []*injected
	violations []string
	ended      map[string]bool // ids of the access keys that requests ended
	dead       []DeadHolder
	timeline   Timeline
	processes  map[int]struct{}
}

// TB is what [New] needs of a test.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// New starts a world for a test. When the test ends, the world is closed, and the test has failed if something happened
// that must never happen.
func New(t TB, config ...Config) *World {
	t.Helper()
	var c Config
	if len(config) > 0 {
		c = config[0]
	}
	w, err := Start(c)
	if err != nil {
		t.Fatalf("starting the simulator: %s", err)
	}
	t.Cleanup(func() {
		w.Close()
		for _, violation := range w.Violations() {
			t.Errorf("violation: %s", violation)
		}
	})
	return w
}

// Start starts a world. Close ends it.
func Start(config Config) (*World, error) {
	config = config.withDefaults()
	w := &World{
		config:        config,
		clock:         config.Clock,
		closed:        make(chan struct{}),
		keys:          map[string]*AccessKey{},
		sessions:      map[string]session{},
		denied:        map[string]Denial{},
		propagations:  map[place]time.Duration{},
		organizations: map[string]*Organization{},
		clusters:      map[string]*Cluster{},
		projects:      map[string]*Project{},
		environments:  map[string]*Environment{},
		policies:      map[string][]string{},
		ended:         map[string]bool{},
		processes:     map[int]struct{}{},
	}
	w.token, w.readOnlyToken, w.strangerToken = w.newSecret(), w.newSecret(), w.newSecret()
	w.webIdentityToken = w.newSecret()
	w.account = w.AddAccount(firstAccount)
	w.clock.watch(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.settle()
	})
	for url, handler := range map[*string]http.Handler{
		&w.awsURL:     w.AWSHandler(),
		&w.qoveryURL:  w.qoveryHandler(),
		&w.controlURL: w.controlHandler(),
	} {
		address, err := w.listen(handler)
		if err != nil {
			w.Close()
			return nil, err
		}
		*url = "http://" + address
	}
	return w, nil
}

func (w *World) listen(handler http.Handler) (string, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("listening: %w", err)
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	w.servers = append(w.servers, server)
	go func() { _ = server.Serve(listener) }()
	return listener.Addr().String(), nil
}

// Close ends the world, and every request that is still under way.
func (w *World) Close() {
	w.close.Do(func() { close(w.closed) })
	for _, server := range w.servers {
		_ = server.Close()
	}
}

// Clock is the world's clock.
func (w *World) Clock() *Clock { return w.clock }

// AWSURL is the endpoint of IAM, STS and EC2.
func (w *World) AWSURL() string { return w.awsURL }

// AWSHandler serves what is at AWSURL, for tests that need no network.
func (w *World) AWSHandler() http.Handler { return http.HandlerFunc(w.serveAWS) }

// QoveryURL is the endpoint of Qovery's API.
func (w *World) QoveryURL() string { return w.qoveryURL }

// ControlURL is the address for [Dial].
func (w *World) ControlURL() string { return w.controlURL }

// Operator is the access key of an IAM user that may administer every other one.
func (w *World) Operator() *AccessKey { return w.Account().operator }

// Env is the environment in which a provider finds this world, and nothing of the machine's own setup.
func (w *World) Env() map[string]string { return w.Account().Env() }

// SkewAWS sets how far AWS's clock is ahead of the world's. It shows in every time that AWS tells from now on.
func (w *World) SkewAWS(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skewAWS = d
}

// SkewQovery sets how far Qovery's clock is ahead of the world's. It shows in every time that Qovery tells from now on.
func (w *World) SkewQovery(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skewQovery = d
}

// Secrets lists every secret that this world ever issued: secret access keys, session tokens and API tokens.
func (w *World) Secrets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.secrets)
}

func (w *World) awsNow() time.Time    { return w.clock.Now().Add(w.skewAWS) }
func (w *World) qoveryNow() time.Time { return w.clock.Now().Add(w.skewQovery) }

// newSecret issues a secret of 40 characters, with those among them that need escaping.
func (w *World) newSecret() string {
	secret := base64.StdEncoding.EncodeToString(randomBytes(30))
	w.secrets = append(w.secrets, secret)
	return secret
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func newUUID() string {
	b := randomBytes(16)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
