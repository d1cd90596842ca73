package simulator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// processHeader names the process that uses a [RemoteClock].
const processHeader = "X-Process-Id"

// controlHandler returns the handler that serves the world's clock to other processes.
func (w *World) controlHandler() http.Handler {
	mux := http.NewServeMux()
	move := func(f func(r *http.Request, d time.Duration) error) http.HandlerFunc {
		return func(rw http.ResponseWriter, r *http.Request) {
			d, err := time.ParseDuration(r.URL.Query().Get("d"))
			if err == nil {
				err = f(r, d)
			}
			w.writeNow(rw, err)
		}
	}
	mux.HandleFunc("GET /now", func(rw http.ResponseWriter, _ *http.Request) { w.writeNow(rw, nil) })
	mux.HandleFunc("POST /advance", move(func(_ *http.Request, d time.Duration) error {
		w.clock.Advance(d)
		return nil
	}))
	mux.HandleFunc("POST /sleep", move(func(r *http.Request, d time.Duration) error {
		return w.clock.Sleep(r.Context(), d)
	}))
	mux.HandleFunc("POST /wait", func(rw http.ResponseWriter, r *http.Request) {
		until, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("until"))
		if err == nil {
			err = w.clock.wait(r.Context(), until.Sub(w.clock.Now()))
		}
		w.writeNow(rw, err)
	})
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if id, err := strconv.Atoi(r.Header.Get(processHeader)); err == nil {
			w.mu.Lock()
			w.processes[id] = struct{}{}
			w.mu.Unlock()
		}
		mux.ServeHTTP(rw, r)
	})
}

func (w *World) writeNow(rw http.ResponseWriter, err error) {
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	_, _ = io.WriteString(rw, w.clock.Now().Format(time.RFC3339Nano))
}

// ProcessIDs lists the running processes that have used the world's clock.
func (w *World) ProcessIDs() []int {
	w.mu.Lock()
	defer w.mu.Unlock()
	var ids []int
	for id := range w.processes {
		if p, err := os.FindProcess(id); err == nil && p.Signal(syscall.Signal(0)) == nil {
			ids = append(ids, id)
		}
	}
	return ids
}

// RemoteClock is the clock of a world in another process.
type RemoteClock struct {
	url  string
	mu   sync.Mutex
	last time.Time
}

// Dial connects to the clock of the world with this control address.
func Dial(controlURL string) (*RemoteClock, error) {
	c := &RemoteClock{url: controlURL}
	if err := c.call(context.Background(), http.MethodGet, "/now"); err != nil {
		return nil, err
	}
	return c, nil
}

// Now returns the time of the world's clock, or the last known one if the world is closed.
func (c *RemoteClock) Now() time.Time {
	_ = c.call(context.Background(), http.MethodGet, "/now")
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// Sleep is [Clock.Sleep] of the world's clock.
func (c *RemoteClock) Sleep(ctx context.Context, d time.Duration) error {
	return c.call(ctx, http.MethodPost, "/sleep?d="+url.QueryEscape(d.String()))
}

// WithTimeout is [Clock.WithTimeout] of the world's clock.
func (c *RemoteClock) WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	timeout, cancel := newTimeout(ctx)
	until := c.Now().Add(d).Format(time.RFC3339Nano)
	go func() {
		if c.call(timeout, http.MethodPost, "/wait?until="+url.QueryEscape(until)) == nil {
			timeout.end(context.DeadlineExceeded)
		}
	}()
	return timeout, cancel
}

func (c *RemoteClock) call(ctx context.Context, method, path string) error {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, nil)
	if err != nil {
		return fmt.Errorf("asking for the simulated time: %w", err)
	}
	request.Header.Set(processHeader, strconv.Itoa(os.Getpid()))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("asking for the simulated time: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading the simulated time: %w", err)
	}
	now, err := time.Parse(time.RFC3339Nano, string(body))
	if err != nil {
		return errors.New("the simulator answers: " + string(body))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.After(c.last) {
		c.last = now
	}
	return nil
}
