package wording

import (
	"strings"
	"testing"
)

func TestFaults(t *testing.T) {
	long := strings.Repeat("word ", maxWords)
	for text, want := range map[string]string{
		"A cause. Another one.":                                 "",
		"Delete it:\n  aws iam delete-access-key --user-name u": "",
		"Do one of these:\n  - Wait.\n  2. Try again.":          "",
		"It failed:\n  2027-01-04T08:59:00Z quota exceeded":     "",
		"A " + long[:len(long)-6] + ".":                         "",
		"A " + long + "word.":                                   "a sentence of 27 words",
		"A " + long + "(in " + long + ").":                      "a sentence of 27 words",
		"no capital here.":                                      "a line without a capital",
		"rotate_registries is false.":                           "",
		"No period":                                             "a line without a period",
		`A literal \n here.`:                                    "it has",
		"It was told.":                                          "the project does not use",
		"A %!s(MISSING).":                                       "it has",
	} {
		if got := strings.Join(faults(text), ", "); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
