// Package wording checks texts for users in tests. It compares them with a readable golden file, and checks their style.
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
	// maxSummary is the maximum number of characters of a summary, and maxWords that of words in a sentence.
	maxSummary = 60
	maxWords   = 25
)

var (
	// command matches a line to copy, and logLine a line of a log.
	command = regexp.MustCompile(`^(aws (iam|cloudtrail)|qovery cluster) [a-z-]+ `)
	logLine = regexp.MustCompile(`^\d{4}-\d\d-\d\dT`)
	// aside matches text whose words are not counted: parentheses and code.
	aside       = regexp.MustCompile("\\([^)]*\\)|`[^`]*`")
	sentenceEnd = regexp.MustCompile(`[.?!:]["*]*(\s+|$)`)
	listItem    = regexp.MustCompile(`^(-|\*|\d\.) `)
	// lowercase matches a line that begins with a word in lower case. A name, such as iam_user_name, is not a word.
	lowercase = regexp.MustCompile(`^[a-z][a-z]*( |$)`)
)

// avoided are the words that the project does not use, because readers stumble over them.
var avoided = []string{
	" told", " tells", " comes to", " mend", " goes on", "goes for", "stranger", "lagging", "carried", "carries on", "taken back", "looked after",
	"hand work", "cut off", "so that nobody", "whoever", "Whoever", "must not go", "may go", " is of ", " are of ", "saw off", "bring along", "brings along",
}

// CheckSummary checks the summary of a diagnostic.
func CheckSummary(t *testing.T, summary string) {
	t.Helper()
	if summary == "" || len(summary) > maxSummary || strings.HasSuffix(summary, ".") {
		t.Errorf("a summary of %d characters: %q", len(summary), summary)
	}
}

// Check checks a text of whole sentences.
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
