package provider_test

import (
	"regexp"
	"strings"
)

// guidePage is a page under docs/guides.
type guidePage struct {
	// title is what the registry's sidebar shows, number is what it sorts by, and heading is the title on the page.
	number, title, heading string
	blocks                 []guideBlock
}

// guideBlock is a piece of code, and where it is on the page.
type guideBlock struct {
	// section is the heading above the block, and intro is the paragraph before it.
	section, intro string
	language, code string
}

var (
	guideHead = regexp.MustCompile(`(?s)^---\n(?:# [^\n]+\n)?page_title: "(?:(\d\d)\. )?([^"]+)"\nsubcategory: ""\n` +
		`description: \|-\n  [^\n]+\n---\n\n# ([^\n]+)\n`)
	fence   = regexp.MustCompile("^( *)```(\\w*)$")
	heading = regexp.MustCompile(`^##+ (.+)$`)
)

// parseGuide parses a guide. It returns nil if the page has another front matter than a guide.
func parseGuide(text string) *guidePage {
	head := guideHead.FindStringSubmatch(text)
	if head == nil {
		return nil
	}
	return &guidePage{number: head[1], title: head[2], heading: head[3], blocks: codeBlocks(text)}
}

// codeBlocks returns the pieces of code on a page, without the indentation of their fences.
func codeBlocks(text string) []guideBlock {
	var blocks []guideBlock
	section, intro, blank := "", "", true
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		if open := fence.FindStringSubmatch(line); open != nil {
			code := ""
			for i++; lines[i] != open[1]+"```"; i++ {
				code += strings.TrimPrefix(lines[i], open[1]) + "\n"
			}
			blocks = append(blocks, guideBlock{section, intro, open[2], code})
			continue
		}
		if found := heading.FindStringSubmatch(line); found != nil {
			section = found[1]
		}
		text := strings.TrimSpace(line)
		switch {
		case text == "":
			blank = true
		case blank:
			intro, blank = text, false
		default:
			intro += " " + text
		}
	}
	return blocks
}

var fileName = regexp.MustCompile("`([\\w/.-]+\\.(?:tf|hcl))`")

// file returns the name of the file that the block belongs into: the last one in the paragraph before it.
func (b guideBlock) file() string {
	names := fileName.FindAllStringSubmatch(b.intro, -1)
	if len(names) == 0 || !strings.HasSuffix(b.intro, ":") {
		return ""
	}
	return names[len(names)-1][1]
}

var configurationBlock = regexp.MustCompile(`(?ms)^([a-z].*?)\{(?:\}$|\n.*?^\}$)`)

// edited returns a file with the block in it. A part of the block replaces the part of the file with the same head.
func (b guideBlock) edited(file string) string {
	for _, part := range configurationBlock.FindAllStringSubmatch(b.code, -1) {
		replaced := false
		file = configurationBlock.ReplaceAllStringFunc(file, func(old string) string {
			if strings.HasPrefix(old, part[1]+"{") {
				replaced = true
				return part[0]
			}
			return old
		})
		if !replaced {
			file += "\n" + part[0] + "\n"
		}
	}
	return file
}

// varying matches values that differ between runs: ids of new access keys, UUIDs and times. An ellipsis stands for anything.
var varying = regexp.MustCompile(`AKIAI44QH8DHBEXAMPLE|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+Z|…`)

// promised returns a pattern for a line of output in a guide. known replaces values of the guide by those of the simulated
// world.
func promised(line string, known func(string) string) *regexp.Regexp {
	pattern, rest := "", strings.Join(strings.Fields(line), " ")
	for {
		at := varying.FindStringIndex(rest)
		if at == nil {
			return regexp.MustCompile(pattern + regexp.QuoteMeta(known(rest)))
		}
		found := rest[at[0]:at[1]]
		pattern += regexp.QuoteMeta(known(rest[:at[0]]))
		switch value := known(found); {
		case value != found:
			pattern += regexp.QuoteMeta(value)
		case found == "…":
			pattern += `.*?`
		case strings.HasPrefix(found, "AKIA"):
			pattern += `AKIA\w{16}`
		case strings.Contains(found, "T"):
			pattern += `\d{4}-\d\d-\d\dT[\d:.]+Z`
		default:
			pattern += `[0-9a-f-]{36}`
		}
		rest = rest[at[1]:]
	}
}

// unwrapped returns Terraform's output on one line, without the frames of its messages.
func unwrapped(output string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("│", " ", "╷", " ", "╵", " ", "OpenTofu", "Terraform").Replace(output)), " ")
}
