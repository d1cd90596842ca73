package simulator

import (
	"net/http"
	"slices"
	"strings"
)

// Token is an API token of Qovery with every right.
func (w *World) Token() string { return w.token }

// ReadOnlyToken is an API token of Qovery that may not change anything.
func (w *World) ReadOnlyToken() string { return w.readOnlyToken }

// StrangerToken is an API token of Qovery that may not do anything.
func (w *World) StrangerToken() string { return w.strangerToken }

// AddPolicyToken issues an API token that may do everything but some operations, such as [OpListProjects]. It gets status 401
// where every other token gets 403.
func (w *World) AddPolicyToken(denied ...string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	token := w.newSecret()
	w.policies[token] = denied
	return token
}

// tokenOf is empty for a request that has no token, or names it in another way.
func tokenOf(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Token ")
	if !ok {
		return ""
	}
	return token
}

// authorize distinguishes an unknown token from a token without the permission.
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

// statusFor is the status that a token gets to see.
func (w *World) statusFor(r *http.Request, status int) int {
	if _, isPolicy := w.policies[tokenOf(r)]; isPolicy && status == http.StatusForbidden {
		return http.StatusUnauthorized
	}
	return status
}
