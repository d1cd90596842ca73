// Package wording checks the texts that people read, for tests: against a golden file that is meant to be read, and for what no
// text may have.
package wording

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Golden compares texts with a file. Each text begins with a line that starts with "==== ".
func Golden(t *testing.T, file, texts string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(texts), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	got, wanted := strings.Split(texts, "==== "), strings.Split(string(want), "==== ")
	for i := range max(len(got), len(wanted)) {
		if i >= len(got) || i >= len(wanted) || got[i] != wanted[i] {
			t.Fatalf("text %d is not the one of %s, which -update writes anew:\n%s", i, file, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""))
		}
	}
}

const (
	// maxSummary is how many characters a summary may have, and maxWords how many words a sentence.
	maxSummary = 60
	maxWords   = 25
)

var (
	// command is a line to copy, and logLine one that somebody else wrote.
	command = regexp.MustCompile(`^(aws (iam|cloudtrail)|qovery cluster) [a-z-]+ `)
	logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT`)
	// aside is what readers skip: what is in parentheses, and pieces of code.
	aside       = regexp.MustCompile("\\([^)]*\\)|`[^`]*`")
	sentenceEnd = regexp.MustCompile(`[.?!:]["*]*(\s+|$)`)
	listItem    = regexp.MustCompile(`^(-|\*|\d\.) `)
	// lowercase begins a line only where it is the name of something, such as that of an object in a list.
	lowercase = regexp.MustCompile(`^[a-z][a-z]*( |$)`)
)

// avoided are the words that the project does not use, because people stumble over them.
var avoided = []string{
	" told", " tells", " comes to", " mend", " goes on", "goes for", "stranger", "lagging", "carried", "carries on", "taken back", "looked after",
	"hand work", "cut off", "so that nobody", "whoever", "Whoever", "must not go", "may go", " is of ", " are of ", "saw off", "bring along", "brings along",
}

// CheckSummary checks what a diagnostic begins with.
func CheckSummary(t *testing.T, summary string) {
	t.Helper()
	if summary == "" || len(summary) > maxSummary || strings.HasSuffix(summary, ".") {
		t.Errorf("a summary of %d characters: %q", len(summary), summary)
	}
}

// Check looks at a text of whole sentences.
func Check(t *testing.T, text string) {
	t.Helper()
	for _, fault := range faults(text) {
		t.Errorf("%s: %q", fault, text)
	}
}

func faults(text string) (found []string) {
	for _, wrong := range []string{`\n`, "%!", "  .", " ,", "..", "0001-01-01"} {
		if strings.Contains(text, wrong) {
			found = append(found, fmt.Sprintf("it has %q", wrong))
		}
	}
	for _, word := range avoided {
		if strings.Contains(text, word) {
			found = append(found, fmt.Sprintf("the project does not use %q", strings.TrimSpace(word)))
		}
	}
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || command.MatchString(line) || logLine.MatchString(line) {
			continue
		}
		item := listItem.MatchString(line)
		if !item && lowercase.MatchString(line) {
			found = append(found, "a line without a capital")
		}
		found = append(found, faultsOfLine(listItem.ReplaceAllString(line, ""))...)
	}
	return found
}

func faultsOfLine(line string) (found []string) {
	line = aside.ReplaceAllString(line, "X")
	if !sentenceEnd.MatchString(line[len(line)-1:]) {
		found = append(found, "a line without a period")
	}
	for _, sentence := range sentenceEnd.Split(line, -1) {
		if words := len(strings.Fields(sentence)); words > maxWords {
			found = append(found, fmt.Sprintf("a sentence of %d words (%s …)", words, sentence[:min(len(sentence), 40)]))
		}
	}
	return found
}
