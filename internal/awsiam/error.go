package awsiam

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

const createAccessKey = "CreateAccessKey"

// Error is a failed action. If AWS definitely did not carry it out, Error wraps the error of package rotation for the reason.
// Otherwise the action may have taken effect.
type Error struct {
	// Action is the name that IAM policies use. It is empty if there were no credentials to sign with.
	Action string
	// Code is AWS's error code. It is empty if there was no answer, or one that AWS does not document.
	Code      string
	Message   string
	RequestID string

	cause error
}

// Error implements error.
func (e *Error) Error() string {
	var text strings.Builder
	for _, part := range []string{"AWS", e.Action, e.Code, e.Message} {
		if text.Len() > 0 && part != "" {
			text.WriteString(": ")
		}
		text.WriteString(part)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&text, " (request id %s)", e.RequestID)
	}
	return text.String()
}

// API returns the name of the API that failed.
func (e *Error) API() string { return "AWS" }

// Unwrap returns the error of package rotation, or the error of a context that ended.
func (e *Error) Unwrap() error { return e.cause }

// incomplete returns the error for an answer without a field that every such answer has.
func incomplete(action string) error {
	return &Error{Action: action, Message: "incomplete response"}
}

// newError describes the error of an SDK client. After an earlier attempt that may have taken effect, a refusal is not
// definite, unless it means that the object does not exist.
func newError(ctx context.Context, action string, err error, unclearBefore bool) *Error {
	failure := &Error{Action: action, Message: err.Error()}
	if operation, ok := errors.AsType[*smithy.OperationError](err); ok {
		failure.Message = operation.Err.Error()
	}
	var (
		unsigned *credentialsError
		lost     *smithyhttp.RequestSendError
		response *awshttp.ResponseError
		api      smithy.APIError
	)
	switch {
	case errors.As(err, &unsigned):
		failure.Message = unsigned.Error()
		failure.cause = rotation.ErrUnauthenticated
	case errors.As(err, &lost):
		failure.Message = lost.Err.Error()
		if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
			failure.Message = "timed out: " + failure.Message
		}
	case errors.As(err, &response) && response.HTTPStatusCode() >= http.StatusBadRequest:
		failure.RequestID = response.ServiceRequestID()
		// A proxy's answer cannot be decoded, or the SDK sets this code.
		if !errors.As(err, &api) || api.ErrorCode() == "UnknownError" {
			failure.Message = fmt.Sprintf("HTTP %d without an AWS error code", response.HTTPStatusCode())
			break
		}
		failure.Code, failure.Message = api.ErrorCode(), api.ErrorMessage()
		failure.cause = definite(action, failure.Code, response.HTTPStatusCode())
		if unclearBefore && !errors.Is(failure.cause, rotation.ErrNotFound) {
			failure.cause = nil
		}
	}
	if ctx.Err() != nil && failure.Code == "" {
		failure.cause = ctx.Err()
	}
	// The text after a line break is for debugging signatures, and repeats headers.
	failure.Message, _, _ = strings.Cut(failure.Message, "\n")
	return failure
}

// definite returns the error of package rotation for an action that AWS definitely did not carry out, or nil.
func definite(action, code string, status int) error {
	if status < 400 || status >= 500 || status == http.StatusRequestTimeout {
		return nil
	}
	switch code {
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return rotation.ErrForbidden
	case "NoSuchEntity":
		return rotation.ErrNotFound
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
		return rotation.ErrThrottled
	case "AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidClientTokenId",
		"MissingAuthenticationToken", "RequestExpired", "SignatureDoesNotMatch", "UnrecognizedClientException":
		return rotation.ErrUnauthenticated
	case "LimitExceeded":
		// Only this action's limit is the number of access keys.
		if action == "iam:"+createAccessKey {
			return rotation.ErrLimitExceeded
		}
	}
	return rotation.ErrRejected
}
