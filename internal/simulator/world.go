// Package simulator simulates AWS (IAM, STS and one action of EC2) and Qovery for tests, the demo and the benchmark. Both
// APIs are served over HTTP on loopback and share one state, the world.
//
// Time is simulated, faults can be injected, and every request is recorded. The world checks that requests never do certain
// things (see [World.Violations]). The methods of this package do what people do in the consoles of AWS and Qovery, and are
// not checked.
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

// Config configures a world. A duration of 0 means the default, and a negative one means no duration.
type Config struct {
	// Clock is the world's clock; by default a simulated clock that starts in January 2027.
	Clock *Clock
	// DeploymentDuration is the time from the request to the end of a cluster deployment; 5 minutes by default.
	DeploymentDuration time.Duration
	// InvisibleFor is how long a status still shows the previous deployment after a new one was requested; 3 seconds by default.
	InvisibleFor time.Duration
	// PropagationDelay is how long AWS does not know a new access key everywhere; 4 seconds by default. In the second half, every
	// other request succeeds. See also [World.SetPropagationDelay].
	PropagationDelay time.Duration
	// LastUseLag is the delay after which IAM reports the use of a key; none by default.
	LastUseLag time.Duration
	// BudgetResetIsTime sets X-RateLimit-Reset to a time, in seconds since 1970, instead of the number of seconds left. See
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

// World is the state of AWS and Qovery, with the servers of both.
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
	policies      map[string][]string // denied operations by token
	budget        budget
	running       []*run // running deployments

	// Record
	requests   []*Request
	faults     []*injected
	violations []string
	ended      map[string]bool // ids of the access keys that requests deactivated or deleted
	dead       []DeadHolder
	timeline   Timeline
	processes  map[int]struct{}
}

// TB is the part of [testing.TB] that [New] needs.
type TB interface {
	Helper()
	Cleanup(f func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// New starts a world for a test. When the test ends, the world is closed. The test fails if there was a violation.
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

// Close stops the servers and ends all requests.
func (w *World) Close() {
	w.close.Do(func() { close(w.closed) })
	for _, server := range w.servers {
		_ = server.Close()
	}
}

// Clock returns the world's clock.
func (w *World) Clock() *Clock { return w.clock }

// AWSURL returns the endpoint of IAM, STS and EC2.
func (w *World) AWSURL() string { return w.awsURL }

// AWSHandler returns the handler of the server at AWSURL, for tests without a network.
func (w *World) AWSHandler() http.Handler { return http.HandlerFunc(w.serveAWS) }

// QoveryURL returns the endpoint of Qovery's API.
func (w *World) QoveryURL() string { return w.qoveryURL }

// ControlURL returns the address for [Dial].
func (w *World) ControlURL() string { return w.controlURL }

// Operator returns [Account.Operator] of the first account.
func (w *World) Operator() *AccessKey { return w.Account().operator }

// Env returns [Account.Env] of the first account.
func (w *World) Env() map[string]string { return w.Account().Env() }

// SkewAWS sets how far AWS's clock is ahead of the world's. It affects every time that AWS returns or records from now on.
func (w *World) SkewAWS(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skewAWS = d
}

// SkewQovery sets how far Qovery's clock is ahead of the world's. It affects every time that Qovery returns or records from
// now on.
func (w *World) SkewQovery(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.skewQovery = d
}

// Secrets lists all secrets that this world has issued: secret access keys, session tokens and API tokens.
func (w *World) Secrets() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.secrets)
}

func (w *World) awsNow() time.Time    { return w.clock.Now().Add(w.skewAWS) }
func (w *World) qoveryNow() time.Time { return w.clock.Now().Add(w.skewQovery) }

// newSecret issues a secret of 40 characters in base64, some of which need escaping.
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
