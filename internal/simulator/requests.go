package simulator

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"time"
)

// The APIs of [Request].
const (
	APIIAM    = "iam"
	APISTS    = "sts"
	APIEC2    = "ec2"
	APIQovery = "qovery"
)

// maxBody is more than any request has.
const maxBody = 1 << 20

// Request is the record of one request. It holds no secret.
type Request struct {
	// N counts from 1, over all APIs, from the start of the record.
	N    int
	Time time.Time
	API  string
	// Operation is the action of IAM, STS or EC2, or method and path of Qovery with placeholders for the ids (see
	// [OpDeployCluster] and the like).
	Operation string
	Path      string
	// AccessKeyID is the key that the request is about, if it names one.
	AccessKeyID string
	// SignedBy is the id of the access key that the request is signed with.
	SignedBy string
	// Region is the one in the signature.
	Region   string
	Mutating bool
	// Status is what the client got to see: 0 when that was no answer.
	Status int
	Fault  FaultKind
}

// String shows a request in one line.
func (r Request) String() string {
	line := fmt.Sprintf("%d %s %s %s", r.N, r.Time.Format(time.TimeOnly), r.API, r.Operation)
	if r.AccessKeyID != "" {
		line += " of " + r.AccessKeyID
	}
	line += fmt.Sprintf(" → %d", r.Status)
	if r.Fault != "" {
		line += fmt.Sprintf(" (fault: %s)", r.Fault)
	}
	return line
}

// Requests lists the requests to AWS and Qovery since the start, or since [World.ResetRequests].
func (w *World) Requests() []Request {
	w.mu.Lock()
	defer w.mu.Unlock()
	requests := make([]Request, len(w.requests))
	for i, r := range w.requests {
		requests[i] = *r
	}
	return requests
}

// Mutations lists the requests for a change that reached an API, whatever it answered.
func (w *World) Mutations() []Request {
	return slices.DeleteFunc(w.Requests(), func(r Request) bool { return !r.Mutating || r.Fault.prevents() })
}

// ResetRequests clears the record.
func (w *World) ResetRequests() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = nil
}

// answer is a response before it is sent. It implements [http.ResponseWriter].
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// exchange is one request on its way through the world.
type exchange struct {
	rw      http.ResponseWriter
	r       *http.Request
	request *Request
	// carryOut does what is asked. It runs with the world locked.
	carryOut func(rw http.ResponseWriter)
	// refuse answers in the API's own format. It runs with the world locked.
	refuse func(rw http.ResponseWriter, status int)
	// stamp sets the headers that every answer of the API has. It runs with the world locked.
	stamp func(header http.Header)
}

// run handles an exchange from the request to the answer, with its fault if there is one.
func (w *World) run(x exchange) {
	w.clock.begin()
	defer w.clock.end()
	if w.config.Latency > 0 {
		timer := time.NewTimer(w.config.Latency)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.r.Context().Done():
			return
		}
	}
	fault := w.record(x.request)
	if fault.Kind.prevents() || fault.Kind == FaultCallBefore {
		if w.disturb(x, fault) {
			return
		}
	}

	w.mu.Lock()
	w.settle()
	reply := &answer{status: http.StatusOK, header: http.Header{}}
	x.carryOut(reply)
	w.mu.Unlock()

	if fault.Kind.after() && w.disturb(x, fault) {
		return
	}
	w.send(x, reply)
}

// record enters a request and tells which fault it meets.
func (w *World) record(request *Request) Fault {
	w.mu.Lock()
	defer w.mu.Unlock()
	request.N = len(w.requests) + 1
	request.Time = w.clock.Now()
	w.requests = append(w.requests, request)
	fault := w.nextFault(*request)
	request.Fault = fault.Kind
	return fault
}

// send sends an answer. It is recorded first, so that a client that has it finds it in the record.
func (w *World) send(x exchange, reply *answer) {
	w.mu.Lock()
	x.stamp(reply.header)
	x.request.Status = reply.status
	w.mu.Unlock()
	maps.Copy(x.rw.Header(), reply.header)
	x.rw.WriteHeader(reply.status)
	_, _ = x.rw.Write(reply.body.Bytes())
}

// readBody reads a request's body to its end, without which a server does not notice that a client has given up, and leaves
// a copy for the next reader.
func readBody(rw http.ResponseWriter, r *http.Request) []byte {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		body = nil
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}
