package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// Token returns an API token of Qovery with all permissions.
func (w *World) Token() string { return w.token }

// ReadOnlyToken returns an API token of Qovery that may only read.
func (w *World) ReadOnlyToken() string { return w.readOnlyToken }

// StrangerToken returns an API token of Qovery without permissions.
func (w *World) StrangerToken() string { return w.strangerToken }

// AddPolicyToken issues an API token that may do everything except the given operations, such as [OpListProjects]. It gets
// status 401 where other tokens get 403.
func (w *World) AddPolicyToken(denied ...string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token := w.newSecret()
	w.policies[token] = denied
	return token
}

// tokenOf returns the token of a request, or "" if there is none in the required format.
func tokenOf(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Token ")
	if !ok {
		return ""
	}
	return token
}

// authorize checks the token. The error distinguishes an unknown token from one without the permission.
func (w *World) authorize(r *http.Request, operation string) error {
	token := tokenOf(r)
	denied, isPolicy := w.policies[token]
	switch {
	case token == w.token,
		token == w.readOnlyToken && r.Method == http.MethodGet,
		isPolicy && !slices.Contains(denied, operation):
		return nil
	case token == w.readOnlyToken, token == w.strangerToken, isPolicy:
		return refuse(http.StatusForbidden, "This token does not have the permission to do this")
	}
	return refuse(http.StatusUnauthorized, "The token is missing or not valid")
}

// statusFor returns the status that the token of a request gets for an error.
func (w *World) statusFor(r *http.Request, status int) int {
	if _, isPolicy := w.policies[tokenOf(r)]; isPolicy && status == http.StatusForbidden {
		return http.StatusUnauthorized
	}
	return status
}
