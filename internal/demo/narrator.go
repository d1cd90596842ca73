package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// width is the column at which paragraphs are wrapped.
const width = 88

// narrator prints the story for a terminal or a log.
type narrator struct {
	out      io.Writer
	bold     bool
	chapters int
}

// newNarrator returns a narrator. Its headings are bold in a terminal, unless NO_COLOR is set, as https://no-color.org
// describes.
func newNarrator(out *os.File) *narrator {
	info, err := out.Stat()
	isTerminal := err == nil && info.Mode()&os.ModeCharDevice != 0
	return &narrator{out: out, bold: isTerminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"}
}

// chapter begins a chapter.
func (n *narrator) chapter(title string) {
	n.chapters++
	heading := fmt.Sprintf("%d. %s", n.chapters, title)
	if n.bold {
		heading = "\x1b[1m" + heading + "\x1b[0m"
	}
	fmt.Fprintf(n.out, "\n%s\n", heading)
}

// say prints a paragraph.
func (n *narrator) say(format string, args ...any) {
	var b strings.Builder
	column := 0
	for word := range strings.FieldsSeq(fmt.Sprintf(format, args...)) {
		switch {
		case column == 0:
		case column+1+len(word) > width:
			b.WriteByte('\n')
			column = 0
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	fmt.Fprintf(n.out, "\n%s\n", b.String())
}

// quote prints a text unchanged and indented, such as a file or Terraform's output.
func (n *narrator) quote(text string) {
	fmt.Fprintln(n.out)
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		n.line(line)
	}
}

// line prints one more line of a quotation.
func (n *narrator) line(text string) { fmt.Fprintln(n.out, strings.TrimRight("    "+text, " ")) }
