package simulator

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

// The kinds of [Fault]. After an "after" fault, what was asked has been done; the others come before that.
const (
	// FaultBefore500 and FaultAfter500 answer with the API's own internal error.
	FaultBefore500 FaultKind = "500 before"
	FaultAfter500  FaultKind = "500 after"
	// Fault429 answers that there were too many requests: Qovery with status 429 and Retry-After, AWS with Throttling.
	Fault429 FaultKind = "429 before"
	// FaultStatus answers with the API's own error of the status given.
	FaultStatus FaultKind = "status before"
	// FaultHTML and FaultHTMLAfter answer with the page of a gateway, with status 502 unless another is given.
	FaultHTML      FaultKind = "html before"
	FaultHTMLAfter FaultKind = "html after"
	// FaultHang and FaultHangAfter never answer: the client gives up, or the world ends.
	FaultHang      FaultKind = "hang before"
	FaultHangAfter FaultKind = "hang after"
	// FaultResetBefore and FaultResetAfter reset the connection.
	FaultResetBefore FaultKind = "reset before"
	FaultResetAfter  FaultKind = "reset after"
	// FaultLost closes the connection without an answer, after what was asked has been done.
	FaultLost FaultKind = "lost after"
	// FaultCallBefore and FaultCallAfter call a function at that moment and change nothing about the answer.
	FaultCallBefore FaultKind = "call before"
	FaultCallAfter  FaultKind = "call after"
	// FaultCallInstead calls a function and closes the connection: for one that ends the client before the request has
	// left it, so to say.
	FaultCallInstead FaultKind = "call instead"
)

// after tells that the fault comes when the request has been carried out.
func (k FaultKind) after() bool { return strings.HasSuffix(string(k), " after") }

// prevents tells that the request is not carried out.
func (k FaultKind) prevents() bool { return k != "" && k != FaultCallBefore && !k.after() }

// Fault is what goes wrong with some of the next requests.
type Fault struct {
	Kind FaultKind
	// Match chooses requests; nil is every one. It must not use the world.
	Match func(Request) bool
	// At is the first of those requests that meets the fault, counted from 1; 0 means 1.
	At int
	// Times is how many of them in a row meet it; 0 means 1, and a negative number all of them.
	Times int
	// Status belongs to FaultStatus and the HTML kinds.
	Status int
	// RetryAfter belongs to Fault429; whole seconds.
	RetryAfter time.Duration
	// Call belongs to the call kinds. It may use the world, and its request waits for it.
	Call func(Request)
}

type injected struct {
	Fault
	seen int
}

// Inject has a fault happen to requests from now on. A request meets one fault at most: the one that was injected first.
func (w *World) Inject(fault Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &injected{Fault: fault})
}

// FailNext has the next request for an operation fail.
func (w *World) FailNext(operation string, kind FaultKind) {
	w.Inject(Fault{Kind: kind, Match: Operation(operation)})
}

// Before has a function called when the next request for an operation arrives.
func (w *World) Before(operation string, call func(Request)) {
	w.Inject(Fault{Kind: FaultCallBefore, Match: Operation(operation), Call: call})
}

// After has a function called when the next request for an operation has been carried out and not yet been answered.
func (w *World) After(operation string, call func(Request)) {
	w.Inject(Fault{Kind: FaultCallAfter, Match: Operation(operation), Call: call})
}

// ClearFaults forgets the faults that were injected.
func (w *World) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// Operation matches the requests for an operation.
func Operation(operation string) func(Request) bool {
	return func(r Request) bool { return r.Operation == operation }
}

// nextFault counts a request with every fault and returns the one that it meets.
func (w *World) nextFault(request Request) Fault {
	var met Fault
	for _, f := range w.faults {
		if f.Match != nil && !f.Match(request) {
			continue
		}
		f.seen++
		first := max(f.At, 1)
		if f.seen >= first && (f.Times < 0 || f.seen < first+max(f.Times, 1)) && met.Kind == "" {
			met = f.Fault
		}
	}
	return met
}

// disturb applies a fault and reports whether that ended the exchange.
func (w *World) disturb(x exchange, fault Fault) bool {
	manner, _, _ := strings.Cut(string(fault.Kind), " ")
	reply := &answer{header: http.Header{}}
	switch manner {
	case "call":
		w.clock.end()
		fault.Call(*x.request)
		w.clock.begin()
		if fault.Kind == FaultCallInstead {
			drop(x.rw, false)
			return true
		}
		return false
	case "hang":
		w.clock.end()
		select {
		case <-x.r.Context().Done():
		case <-w.closed:
		}
		w.clock.begin()
		drop(x.rw, false)
		return true
	case "reset", "lost":
		drop(x.rw, manner == "reset")
		return true
	case "html":
		reply.status = http.StatusBadGateway
		if fault.Status != 0 {
			reply.status = fault.Status
		}
		reply.header.Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(reply, "<!DOCTYPE html>\n<html><body><h1>Gateway</h1>Try again later.</body></html>\n")
	case "429":
		reply.header.Set("Retry-After", strconv.Itoa(int(max(fault.RetryAfter, time.Second).Seconds())))
		w.refuse(x, reply, http.StatusTooManyRequests)
	case "500":
		w.refuse(x, reply, http.StatusInternalServerError)
	case "status":
		w.refuse(x, reply, fault.Status)
	}
	w.send(x, reply)
	return true
}

func (w *World) refuse(x exchange, reply *answer, status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	x.refuse(reply, status)
}

// drop closes the connection of a request, with a reset on demand.
func drop(rw http.ResponseWriter, reset bool) {
	connection, _, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := connection.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = connection.Close()
}
