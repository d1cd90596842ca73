package simulator

import (
	"cmp"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
)

// field describes one field of a request.
type field struct {
	required bool
	valid    func(value any) bool
}

type schema map[string]field

// decode decodes a request and checks it against a schema. Unlike the real API it refuses unknown fields, which are always
// mistakes.
func decode(r *http.Request, s schema) (object, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Type must be application/json")
	}
	var o object
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || o == nil {
		return nil, refuse(http.StatusBadRequest, "The request is not a JSON object")
	}
	return o, s.check("", o)
}

func (s schema) check(path string, o object) error {
	for name, f := range s {
		if _, ok := o[name]; f.required && !ok {
			return refuse(http.StatusBadRequest, "%s%s is required", path, name)
		}
	}
	for name, value := range o {
		f, ok := s[name]
		if !ok {
			return refuse(http.StatusBadRequest, "%s%s is not a field of this request", path, name)
		}
		if !f.valid(value) {
			return refuse(http.StatusBadRequest, "%s%s is not valid", path, name)
		}
	}
	return nil
}

func isText(value any) bool       { _, ok := value.(string); return ok }
func isTextOrNull(value any) bool { return value == nil || isText(value) }

func isBoolean(value any) bool { _, ok := value.(bool); return ok }
func isNumber(value any) bool  { _, ok := value.(float64); return ok }
func isObject(value any) bool  { _, ok := value.(object); return ok }

func isFilled(value any) bool { text, ok := value.(string); return ok && text != "" }

func isURL(value any) bool {
	text, _ := value.(string)
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && u.Host != ""
}

func oneOf(values ...string) func(any) bool {
	return func(value any) bool {
		text, ok := value.(string)
		return ok && slices.Contains(values, text)
	}
}

func matches(pattern *regexp.Regexp) func(any) bool {
	return func(value any) bool {
		text, ok := value.(string)
		return ok && pattern.MatchString(text)
	}
}

// accessKeyIDIn returns the access key id in the body of a request.
func accessKeyIDIn(body []byte) string {
	var o struct {
		AccessKeyID string `json:"access_key_id"`
		Config      struct {
			AccessKeyID string `json:"access_key_id"`
		} `json:"config"`
		DNSProvider struct {
			Credentials struct {
				AccessKeyID string `json:"aws_access_key_id"`
			} `json:"credentials"`
		} `json:"dns_provider"`
	}
	if json.Unmarshal(body, &o) != nil {
		return ""
	}
	return cmp.Or(o.AccessKeyID, o.Config.AccessKeyID, o.DNSProvider.Credentials.AccessKeyID)
}
