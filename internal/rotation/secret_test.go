package rotation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const testSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

// checkHidden looks for the secret or a part of it, in every format that fmt has for a text.
func checkHidden(t *testing.T, where, text string) {
	t.Helper()
	part := testSecret[:8]
	inBytes := strings.Trim(fmt.Sprintf("%d", []byte(part)), "[]")
	for _, spelling := range []string{part, fmt.Sprintf("%x", part), fmt.Sprintf("%X", part), fmt.Sprintf("% x", part), inBytes} {
		if strings.Contains(text, spelling) {
			t.Errorf("%s shows the secret: %s", where, text)
		}
	}
}

func TestSecretReveal(t *testing.T) {
	if got := NewSecret(testSecret).Reveal(); got != testSecret {
		t.Errorf("Reveal() = %q", got)
	}
	if got := (Secret{}).Reveal(); got != "" {
		t.Errorf("no secret reveals %q", got)
	}
}

func TestSecretIsNeverFormatted(t *testing.T) {
	key := NewAccessKey{ID: keyB, Secret: NewSecret(testSecret)}
	values := map[string]any{
		"secret":                 key.Secret,
		"pointer":                &key.Secret,
		"key":                    key,
		"pointer to key":         &key,
		"list":                   []NewAccessKey{key},
		"map":                    map[string]NewAccessKey{"b": key},
		"in an unexported field": struct{ key NewAccessKey }{key},
		"attempt":                attempt{key: key},
		"error":                  fmt.Errorf("storing %v: %w", key, errors.ErrUnsupported),
		"problem":                &Problem{Summary: SummaryRefused, Cause: fmt.Sprint(key), Err: fmt.Errorf("%+v", key.Secret)},
	}
	for name, value := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%20.30s", "%p"} {
			checkHidden(t, name+" as "+verb, fmt.Sprintf(verb, value))
		}
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if got := fmt.Sprintf(verb, key.Secret); got != "(secret)" {
			t.Errorf("%s is %q", verb, got)
		}
	}
}

func TestSecretIsNeverEncoded(t *testing.T) {
	key := NewAccessKey{ID: keyB, Secret: NewSecret(testSecret)}
	encoded, err := json.Marshal(map[string]any{"key": key, "secret": key.Secret, "pointer": &key.Secret})
	if err != nil {
		t.Fatal(err)
	}
	checkHidden(t, "JSON", string(encoded))
	if want := `"secret":"(secret)"`; !strings.Contains(string(encoded), want) {
		t.Errorf("JSON is %s, want %s in it", encoded, want)
	}

	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&log, nil), slog.NewJSONHandler(&log, nil)} {
		slog.New(handler).Info("key", "key", key, "secret", key.Secret, "pointer", &key.Secret, "group", slog.GroupValue(slog.Any("secret", key.Secret)))
	}
	checkHidden(t, "log", log.String())
	if got := strings.Count(log.String(), "(secret)"); got < 6 {
		t.Errorf("the placeholder is in the log %d times:\n%s", got, log.String())
	}
}
