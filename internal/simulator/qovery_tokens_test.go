package simulator

import (
	"net/http"
	"testing"
)

func TestTokens(t *testing.T) {
	p := newProduction(t)
	for what, c := range map[string]struct {
		token string
		read  int
		write int
	}{
		"every right":   {p.w.Token(), http.StatusOK, http.StatusCreated},
		"read only":     {p.w.ReadOnlyToken(), http.StatusOK, http.StatusForbidden},
		"no right":      {p.w.StrangerToken(), http.StatusForbidden, http.StatusForbidden},
		"unknown token": {"unknown", http.StatusUnauthorized, http.StatusUnauthorized},
		"no token":      {"", http.StatusUnauthorized, http.StatusUnauthorized},
	} {
		read := must(tryQovery(t.Context(), p.w, c.token, http.MethodGet, p.path("/credentials"), nil))(t)
		write := must(tryQovery(t.Context(), p.w, c.token, http.MethodPost, p.clusterPath("/deploy"), nil))(t)
		if read.status != c.read || write.status != c.write {
			t.Errorf("%s: read %d, write %d, want %d and %d", what, read.status, write.status, c.read, c.write)
		}
		if read.header.Get("X-Request-Id") == "" || read.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: headers are %v", what, read.header)
		}
	}
}

// TestABareTokenIsNone checks that a token is not accepted without the word "Token" before it.
func TestABareTokenIsNone(t *testing.T) {
	w := New(t)
	request := must(http.NewRequestWithContext(t.Context(), http.MethodGet, w.QoveryURL()+"/", nil))(t)
	request.Header.Set("Authorization", w.Token())
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestPolicyTokens(t *testing.T) {
	p := newProduction(t)
	project := p.org.AddProject("shop")
	project.Forbid()
	token := p.w.AddPolicyToken(OpListProjects)
	for path, want := range map[string]int{
		p.path("/cluster"): http.StatusOK,
		p.path("/project"): http.StatusUnauthorized,
		"/project/" + project.ID + "/environment/overview": http.StatusUnauthorized,
		"/nonsense": http.StatusNotFound,
	} {
		if got := must(tryQovery(t.Context(), p.w, token, http.MethodGet, path, nil))(t).status; got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}
