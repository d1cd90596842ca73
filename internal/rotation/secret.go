package rotation

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// redacted is printed in place of a [Secret].
const redacted = "(secret)"

// Secret is a secret access key that is never shown when it is printed, logged or encoded. Only [Secret.Reveal] returns it, so a
// search for that name finds every place where the secret leaves the process.
type Secret struct {
	// value is a pointer, because package fmt prints a value in an unexported field without its methods.
	value *string
}

var (
	_ fmt.Formatter  = Secret{}
	_ json.Marshaler = Secret{}
	_ slog.LogValuer = Secret{}
)

// NewSecret wraps the secret access key in IAM's answer.
func NewSecret(value string) Secret { return Secret{value: &value} }

// Reveal returns the secret itself. It is called for the request that stores the key in Qovery, for the signatures that verify
// the key, and for the masking of error texts.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// Format implements [fmt.Formatter].
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalJSON implements [json.Marshaler].
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
