package rotation

import "errors"

// The answers of an API that definitely did not do what it was asked. The ports wrap one of these errors. An error that wraps
// none of them is unclear: the request may have taken effect.
var (
	// ErrUnauthenticated means that the token or the signature is not accepted (HTTP 401, InvalidClientTokenId).
	ErrUnauthenticated = errors.New("authentication failed")
	// ErrForbidden means that the caller is known and may not do this (HTTP 403, AccessDenied). It never means "not found".
	ErrForbidden = errors.New("permission denied")
	// ErrNotFound means that the API itself answered that the object does not exist (HTTP 404, NoSuchEntity).
	ErrNotFound = errors.New("not found")
	// ErrLimitExceeded means that the IAM user has two access keys already.
	ErrLimitExceeded = errors.New("limit exceeded")
	// ErrConflict means that somebody changed the object since it was read.
	ErrConflict = errors.New("changed by somebody else")
	// ErrThrottled means that the API refused the request and its repetitions as too many (HTTP 429, Throttling).
	ErrThrottled = errors.New("too many requests")
	// ErrRejected is every other definite refusal (HTTP 400, 409, 422, …).
	ErrRejected = errors.New("rejected")
)

// IsDefinite reports whether the API answered that it did not do what was asked. After any other error it is open whether the
// request took effect: a timeout, a reset connection, a 5xx, an answer that is not the API's.
func IsDefinite(err error) bool {
	for _, definite := range []error{ErrUnauthenticated, ErrForbidden, ErrNotFound, ErrLimitExceeded, ErrConflict, ErrThrottled, ErrRejected} {
		if errors.Is(err, definite) {
			return true
		}
	}
	return false
}

// isPassing reports whether the same request may succeed later, because its outcome is unclear or it was throttled.
func isPassing(err error) bool { return !IsDefinite(err) || errors.Is(err, ErrThrottled) }

// AsProblem returns the [Problem] in an error, or a new one for an error that has none.
func AsProblem(err error) *Problem {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem
	}
	return stopped(err, WorldUntouched)
}
