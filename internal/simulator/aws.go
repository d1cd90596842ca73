package simulator

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
)

// awsError is an error of IAM, STS or EC2.
type awsError struct {
	status        int
	code, message string
}

func (e *awsError) Error() string { return e.code + ": " + e.message }

// caller is the identity that signed a request. A caller without a user is a session of the account's role.
type caller struct {
	account *Account
	user    *User
	arn, id string
}

// administers reports whether the caller may act on all users of the account.
func (c caller) administers() bool { return c.user == nil || c.user == c.account.operator.user }

// awsCall is one request to IAM, STS or EC2.
type awsCall struct {
	api    string
	action string
	form   url.Values
	signed signature
	caller caller
}

// readingActions matches the actions of IAM that change nothing.
var readingActions = regexp.MustCompile("^(Get|List|Simulate)")

type awsAction func(*World, *awsCall) (any, error)

// serveAWS serves IAM, STS and EC2. The version of the API in a request distinguishes them.
func (w *World) serveAWS(rw http.ResponseWriter, r *http.Request) {
	body := readBody(rw, r)
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	call := &awsCall{api: APIIAM, action: form.Get("Action"), form: form, signed: parseSignature(r)}
	actions, namespace, writeError := iamActions, "https://iam.amazonaws.com/doc/2010-05-08/", writeAWSError
	switch form.Get("Version") {
	case "2011-06-15":
		call.api, actions, namespace = APISTS, stsActions, "https://sts.amazonaws.com/doc/2011-06-15/"
	case "2016-11-15":
		call.api, actions, namespace, writeError = APIEC2, ec2Actions, "http://ec2.amazonaws.com/doc/2016-11-15/", writeEC2Error
	}
	request := &Request{
		API: call.api, Operation: call.action, Path: r.URL.Path, AccessKeyID: form.Get("AccessKeyId"),
		SignedBy: call.signed.accessKeyID, Region: call.signed.region,
		Mutating: call.api == APIIAM && !readingActions.MatchString(call.action),
	}
	requestID := newUUID()
	w.run(exchange{
		rw: rw, r: r, request: request,
		carryOut: func(rw http.ResponseWriter) {
			result, err := w.perform(call, actions, r, body)
			if err != nil {
				writeError(rw, namespace, requestID, err)
				return
			}
			if answer, ok := result.(describeRegionsResponse); ok {
				answer.XMLName.Space, answer.RequestID = namespace, requestID
				writeXML(rw, http.StatusOK, answer)
				return
			}
			if created, ok := result.(createAccessKeyResult); ok {
				request.AccessKeyID = created.AccessKey.AccessKeyID
			}
			writeXML(rw, http.StatusOK, xmlAnswer{
				XMLName: xml.Name{Local: call.action + "Response", Space: namespace},
				Result:  xmlResult{name: call.action + "Result", value: result},
				Meta:    &xmlMeta{RequestID: requestID},
			})
		},
		refuse: func(rw http.ResponseWriter, status int) {
			writeError(rw, namespace, requestID, awsErrorOf(status))
		},
		stamp: func(header http.Header) {
			header.Set("Date", w.awsNow().UTC().Format(http.TimeFormat))
			header.Set("X-Amzn-Requestid", requestID)
		},
	})
}

// perform authenticates and authorizes a call, and carries it out.
func (w *World) perform(call *awsCall, actions map[string]awsAction, r *http.Request, body []byte) (any, error) {
	if call.api == APIIAM && !w.iamLimit.take(w.clock.Now()) {
		return nil, awsErrorOf(http.StatusTooManyRequests)
	}
	// A web identity authenticates with a token instead of a signature.
	if call.action != "AssumeRoleWithWebIdentity" {
		var err error
		if call.caller, err = w.authenticate(call, r, body); err != nil {
			return nil, err
		}
	}
	action, ok := actions[call.action]
	if !ok {
		return nil, &awsError{http.StatusBadRequest, "InvalidAction", "Could not find operation " + call.action}
	}
	w.judgeAction(call)
	if w.denied[call.api+":"+call.action] != deniedByNothing {
		return nil, accessDenied(call)
	}
	return action(w, call)
}

// authenticate returns the identity that signed a request. It records a use of the key.
func (w *World) authenticate(call *awsCall, r *http.Request, body []byte) (caller, error) {
	signed := call.signed
	w.judgeSigner(signed.accessKeyID)
	if s, ok := w.sessions[signed.accessKeyID]; ok {
		if r.Header.Get("X-Amz-Security-Token") != s.token {
			return caller{}, errUnknownKey
		}
		if !signed.isBy(s.secret, r, body) {
			return caller{}, errSignature
		}
		return s.caller, nil
	}
	k := w.keys[signed.accessKeyID]
	switch {
	case signed.accessKeyID == "":
		return caller{}, &awsError{
			http.StatusForbidden, "MissingAuthenticationToken", "Request is missing Authentication Token",
		}
	case k == nil, !k.active, !w.knows(k, call.api, signed.region):
		return caller{}, errUnknownKey
	case !signed.isBy(k.Secret, r, body):
		return caller{}, errSignature
	}
	w.use(k, call.api, signed.region, w.clock.Now())
	return caller{account: k.user.account, user: k.user, arn: k.user.ARN(), id: k.user.id}, nil
}

var (
	errUnknownKey = &awsError{
		http.StatusForbidden, "InvalidClientTokenId", "The security token included in the request is invalid.",
	}
	errSignature = &awsError{
		http.StatusForbidden, "SignatureDoesNotMatch",
		"The request signature does not match the one calculated with the secret access key.",
	}
)

func accessDenied(call *awsCall) error {
	return &awsError{http.StatusForbidden, "AccessDenied", fmt.Sprintf(
		"User: %s is not authorized to perform: %s:%s", call.caller.arn, call.api, call.action)}
}

// awsErrorOf returns the error for a status.
func awsErrorOf(status int) *awsError {
	switch status {
	case http.StatusTooManyRequests:
		return &awsError{http.StatusBadRequest, "Throttling", "Rate exceeded"}
	case http.StatusForbidden:
		return &awsError{status, "AccessDenied", "Access is denied."}
	case http.StatusNotFound:
		return &awsError{status, "NoSuchEntity", "The entity cannot be found."}
	case http.StatusServiceUnavailable:
		return &awsError{status, "ServiceUnavailable", "The service is unavailable."}
	}
	if status < http.StatusInternalServerError {
		return &awsError{status, "ValidationError", "The request is not valid."}
	}
	return &awsError{status, "ServiceFailure", "The request failed for an unknown reason."}
}

type xmlAnswer struct {
	XMLName xml.Name
	Result  xmlResult
	Meta    *xmlMeta `xml:"ResponseMetadata"`
}

type xmlMeta struct {
	RequestID string `xml:"RequestId"`
}

// xmlResult is a value in an element whose name depends on the action. A nil value is omitted.
type xmlResult struct {
	name  string
	value any
}

func (r xmlResult) MarshalXML(e *xml.Encoder, _ xml.StartElement) error {
	if r.value == nil {
		return nil
	}
	return e.EncodeElement(r.value, xml.StartElement{Name: xml.Name{Local: r.name}})
}

type xmlError struct {
	XMLName   xml.Name
	Type      string `xml:"Error>Type"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
	RequestID string `xml:"RequestId"`
}

func writeAWSError(rw http.ResponseWriter, namespace, requestID string, err error) {
	e := awsErrorOf(http.StatusInternalServerError)
	errors.As(err, &e)
	origin := "Sender"
	if e.status >= http.StatusInternalServerError {
		origin = "Receiver"
	}
	writeXML(rw, e.status, xmlError{
		XMLName: xml.Name{Local: "ErrorResponse", Space: namespace},
		Type:    origin, Code: e.code, Message: e.message, RequestID: requestID,
	})
}

func writeXML(rw http.ResponseWriter, status int, value any) {
	rw.Header().Set("Content-Type", "text/xml")
	rw.WriteHeader(status)
	_ = xml.NewEncoder(rw).Encode(value)
}
