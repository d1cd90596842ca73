package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// signature is the Authorization header of a request that is signed with AWS Signature Version 4.
type signature struct {
	accessKeyID   string
	scope         string // date/region/service/aws4_request
	region        string
	signedHeaders []string
	value         string
}

// parseSignature parses the signature of a request. It returns the zero signature if there is none.
func parseSignature(r *http.Request) signature {
	parameters, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return signature{}
	}
	var s signature
	for parameter := range strings.SplitSeq(parameters, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		switch name {
		case "Credential":
			s.accessKeyID, s.scope, _ = strings.Cut(value, "/")
		case "SignedHeaders":
			s.signedHeaders = strings.Split(value, ";")
		case "Signature":
			s.value = value
		}
	}
	if scope := strings.Split(s.scope, "/"); len(scope) == 4 {
		s.region = scope[1]
	}
	return s
}

// isBy reports whether the signature was made for this request with the secret. The request's age is not checked, because a
// client signs with the machine's time and not with the world's.
func (s signature) isBy(secret string, r *http.Request, body []byte) bool {
	if !slices.Contains(s.signedHeaders, "host") || !slices.Contains(s.signedHeaders, "x-amz-date") {
		return false
	}
	var headers strings.Builder
	for _, name := range s.signedHeaders {
		var values []string
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		default:
			values = r.Header.Values(name)
		}
		for i, value := range values {
			values[i] = strings.Join(strings.Fields(value), " ")
		}
		headers.WriteString(name + ":" + strings.Join(values, ",") + "\n")
	}
	canonical := strings.Join([]string{
		r.Method, r.URL.EscapedPath(), r.URL.Query().Encode(),
		headers.String(), strings.Join(s.signedHeaders, ";"), hexSHA256(body),
	}, "\n")
	text := strings.Join([]string{
		"AWS4-HMAC-SHA256", r.Header.Get("X-Amz-Date"), s.scope, hexSHA256([]byte(canonical)),
	}, "\n")
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(s.scope, "/") {
		key = hmacSHA256(key, part)
	}
	expected := hex.EncodeToString(hmacSHA256(key, text))
	return hmac.Equal([]byte(expected), []byte(s.value))
}

func hexSHA256(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func hmacSHA256(key []byte, data string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(data))
	return h.Sum(nil)
}
