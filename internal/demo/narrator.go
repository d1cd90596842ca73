package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// width is where paragraphs are wrapped.
const width = 88

// narrator tells the story in text that reads well in a terminal and in a log.
type narrator struct {
	out      io.Writer
	bold     bool
	chapters int
}

// newNarrator writes bold headings where somebody looks on, unless https://no-color.org is asked for.
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

// say tells a paragraph.
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

// quote shows text as it is, such as a file or what Terraform prints.
func (n *narrator) quote(text string) {
	fmt.Fprintln(n.out)
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		n.line(line)
	}
}

// line shows one more line of a quotation.
func (n *narrator) line(text string) { fmt.Fprintln(n.out, strings.TrimRight("    "+text, " ")) }
