package rotation

import (
	"strings"
	"testing"
)

func TestParseURL(t *testing.T) {
	tests := map[string]struct{ raw, want, wantErr string }{
		"default":           {raw: "https://api.qovery.com", want: "https://api.qovery.com"},
		"trailing slash":    {raw: "https://api.qovery.com/", want: "https://api.qovery.com"},
		"with a path":       {raw: "https://gateway.example/qovery/", want: "https://gateway.example/qovery"},
		"loopback name":     {raw: "http://localhost:8080", want: "http://localhost:8080"},
		"loopback address":  {raw: "http://127.0.0.1:8080/", want: "http://127.0.0.1:8080"},
		"loopback IPv6":     {raw: "http://[::1]:8080", want: "http://[::1]:8080"},
		"plain http":        {raw: "http://api.qovery.com", wantErr: "must use https"},
		"lookalike":         {raw: "http://localhost.example.com", wantErr: "must use https"},
		"other scheme":      {raw: "ftp://api.qovery.com", wantErr: "must use https"},
		"no scheme":         {raw: "api.qovery.com", wantErr: "absolute URL"},
		"no host":           {raw: "https:///path", wantErr: "absolute URL"},
		"empty":             {raw: "", wantErr: "absolute URL"},
		"user information":  {raw: "https://user:hunter2@api.qovery.com", wantErr: "user information"},
		"broken password":   {raw: "https://user:hunter2%zz@api.qovery.com", wantErr: "absolute URL"},
		"query":             {raw: "https://api.qovery.com?a=b", wantErr: "query"},
		"empty query":       {raw: "https://api.qovery.com?", wantErr: "query"},
		"fragment":          {raw: "https://api.qovery.com#a", wantErr: "fragment"},
		"control character": {raw: "https://api.qovery.com\n", wantErr: "absolute URL"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ParseURL(test.raw)
			if test.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), test.wantErr) || strings.Contains(err.Error(), "hunter2") {
					t.Fatalf("error = %v, want one about %q that repeats no password", err, test.wantErr)
				}
				return
			}
			if err != nil || got.String() != test.want {
				t.Fatalf("got %v, %v, want %s", got, err, test.want)
			}
		})
	}
}
