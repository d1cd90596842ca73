package simulator

import (
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a kind of [Fault].
type FaultKind string

// The kinds of [Fault]. An "after" fault occurs after the request was carried out, and the others occur before.
const (
	// FaultBefore500 and FaultAfter500 answer with an internal error in the API's format.
	FaultBefore500 FaultKind = "500 before"
	FaultAfter500  FaultKind = "500 after"
	// Fault429 answers that there were too many requests: Qovery with status 429 and Retry-After, AWS with Throttling.
	Fault429 FaultKind = "429 before"
	// FaultStatus answers with the given status, in the API's format.
	FaultStatus FaultKind = "status before"
	// FaultHTML and FaultHTMLAfter answer with the HTML page of a gateway, with status 502 unless another one is given.
	FaultHTML      FaultKind = "html before"
	FaultHTMLAfter FaultKind = "html after"
	// FaultHang and FaultHangAfter do not answer until the client gives up or the world is closed.
	FaultHang      FaultKind = "hang before"
	FaultHangAfter FaultKind = "hang after"
	// FaultResetBefore and FaultResetAfter reset the connection.
	FaultResetBefore FaultKind = "reset before"
	FaultResetAfter  FaultKind = "reset after"
	// FaultLost closes the connection without an answer after the request was carried out.
	FaultLost FaultKind = "lost after"
	// FaultCallBefore and FaultCallAfter call a function, and do not change the answer.
	FaultCallBefore FaultKind = "call before"
	FaultCallAfter  FaultKind = "call after"
	// FaultCallInstead calls a function and closes the connection. With a function that kills the client, the effect is that of a
	// client that is killed before it sends the request.
	FaultCallInstead FaultKind = "call instead"
)

// after reports whether the fault occurs after the request was carried out.
func (k FaultKind) after() bool { return strings.HasSuffix(string(k), " after") }

// prevents reports whether the request is not carried out.
func (k FaultKind) prevents() bool { return k != "" && k != FaultCallBefore && !k.after() }

// Fault is a fault of some of the next requests.
type Fault struct {
	Kind FaultKind
	// Match selects requests; nil selects all. It must not use the world.
	Match func(Request) bool
	// At is the number of the first selected request with the fault, counted from 1; 0 means 1.
	At int
	// Times is the number of consecutive selected requests with the fault; 0 means 1, and a negative number means all.
	Times int
	// Status is the status for FaultStatus and the HTML kinds.
	Status int
	// RetryAfter is the wait for Fault429, in whole seconds.
	RetryAfter time.Duration
	// Call is the function for the call kinds. It may use the world, and the request waits for it.
	Call func(Request)
}

type injected struct {
	Fault
	seen int
}

// Inject adds a fault for the requests from now on. If several faults match a request, the one that was added first occurs.
func (w *World) Inject(fault Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, &injected{Fault: fault})
}

// FailNext adds a fault for the next request for an operation.
func (w *World) FailNext(operation string, kind FaultKind) {
	w.Inject(Fault{Kind: kind, Match: Operation(operation)})
}

// Before adds a function that is called before the next request for an operation is carried out.
func (w *World) Before(operation string, call func(Request)) {
	w.Inject(Fault{Kind: FaultCallBefore, Match: Operation(operation), Call: call})
}

// After adds a function that is called after the next request for an operation was carried out, before it is answered.
func (w *World) After(operation string, call func(Request)) {
	w.Inject(Fault{Kind: FaultCallAfter, Match: Operation(operation), Call: call})
}

// ClearFaults removes all faults.
func (w *World) ClearFaults() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = nil
}

// Operation returns a function for [Fault.Match] that selects the requests for an operation.
func Operation(operation string) func(Request) bool {
	return func(r Request) bool { return r.Operation == operation }
}

// nextFault counts a request for every fault that matches it, and returns the fault that occurs.
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

// disturb applies a fault, and reports whether the exchange has ended.
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

// drop closes the connection of a request, optionally with a reset.
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
