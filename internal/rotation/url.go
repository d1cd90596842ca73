package rotation

import (
	"errors"
	"net"
	"net/url"
	"strings"
)

// ParseURL parses the address of an API, with an optional path. Secrets are sent there, so it must be https, or http on this machine.
// The errors complete a sentence about the address. They do not repeat the address, because it may contain a password.
func ParseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || u.Hostname() == "":
		return nil, errors.New("must be an absolute URL such as https://example.com")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		return nil, errors.New("must use https, because secrets are sent to it; http is accepted for a loopback address only")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must use https")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return nil, errors.New("must not contain user information, a query or a fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
	return u, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
