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

// maxBody is larger than the body of any request.
const maxBody = 1 << 20

// Request is the record of one request. It holds no secret.
type Request struct {
	// N is the number of the request in the record of all APIs, counted from 1.
	N    int
	Time time.Time
	API  string
	// Operation is the action of IAM, STS or EC2, or the method and path of Qovery's API with placeholders for ids, such as
	// [OpDeployCluster].
	Operation string
	Path      string
	// AccessKeyID is the access key in the request, or the one that it created.
	AccessKeyID string
	// SignedBy is the id of the access key that the request is signed with.
	SignedBy string
	// Region is the region in the signature.
	Region   string
	Mutating bool
	// Status is the status that the client received; 0 if there was no answer.
	Status int
	Fault  FaultKind
}

// String returns the request as one line.
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

// Mutations lists the requests for a change that no fault prevented, whatever the answer was.
func (w *World) Mutations() []Request {
	return slices.DeleteFunc(w.Requests(), func(r Request) bool { return !r.Mutating || r.Fault.prevents() })
}

// ResetRequests clears the record.
func (w *World) ResetRequests() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests = nil
}

// answer is an answer before it is sent. It implements [http.ResponseWriter].
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
func (a *answer) WriteHeader(status int)      { a.status = status }

// exchange is one request with the functions that answer it.
type exchange struct {
	rw      http.ResponseWriter
	r       *http.Request
	request *Request
	// carryOut carries out the request. It runs with the world locked.
	carryOut func(rw http.ResponseWriter)
	// refuse answers with an error in the API's format. It runs with the world locked.
	refuse func(rw http.ResponseWriter, status int)
	// stamp sets the headers of every answer of the API. It runs with the world locked.
	stamp func(header http.Header)
}

// run answers a request, and applies its fault if there is one.
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

// record records a request, and returns its fault.
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

// send sends an answer. The status is recorded first, so that it is in the record when the client has the answer.
func (w *World) send(x exchange, reply *answer) {
	w.mu.Lock()
	x.stamp(reply.header)
	x.request.Status = reply.status
	w.mu.Unlock()
	maps.Copy(x.rw.Header(), reply.header)
	x.rw.WriteHeader(reply.status)
	_, _ = x.rw.Write(reply.body.Bytes())
}

// readBody reads a request's whole body, and replaces it by a copy. A server notices that a client has given up only if the
// body was read to its end. A request of which only a part arrives, because its client gave up, did not happen.
func readBody(rw http.ResponseWriter, r *http.Request) []byte {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return body
}
