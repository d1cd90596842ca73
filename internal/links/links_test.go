// Package links_test checks the links in the project's Markdown: files, anchors and images. Of links to other sites it checks
// only the form, so that no test needs a network.
package links_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestLinks(t *testing.T) {
	t.Parallel()
	problems, links, err := check(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range problems {
		t.Error(problem)
	}
	if links < 100 {
		t.Errorf("the project has %d links, which cannot be all", links)
	}
}

// TestCheck checks a valid link and a broken link of each kind.
func TestCheck(t *testing.T) {
	t.Parallel()
	const raw = "https://raw.githubusercontent.com/qovery/terraform-provider-qoveryrotation/v1.0.0/"
	files := fstest.MapFS{
		"GUIDE.md":              {Data: []byte("# Same\n## Same\n## A `code` & [link](main.go)\n<a id=\"mark\"></a>\n```\n# Not\n```\n")},
		"docs/index.md":         {},
		"docs/guides/other.md":  {},
		"docs/images/image.svg": {},
		"main.go":               {},
		"templates/README.md":   {Data: []byte("[is part of docs](nothing.md)")},
	}
	for _, test := range []struct{ page, text, want string }{
		{"README.md", "[a](GUIDE.md#same) [b](GUIDE.md#same-1 \"title\") [c](GUIDE.md#a-code--link) [d](GUIDE.md#mark)", ""},
		{"README.md", "[docs](docs) ![image](docs/images/image.svg) <img src=\"docs/images/image.svg\">", ""},
		{"README.md", "`[code](nothing.md)`\n```md\n[code](nothing.md)\n```\n", ""},
		{"README.md", "[a][b]\n\n[b]: GUIDE.md#same\n", ""},
		{"README.md", "[a](https://example.com/a?b#c) <https://example.com>", ""},
		{"README.md", "[a](https://registry.terraform.io/providers/qovery/qoveryrotation/latest/docs/guides/other)", ""},
		{"docs/guides/page.md", "[a](other.md) ![b](" + raw + "docs/images/image.svg)", ""},
		{"README.md", "[a](nothing.md)", "nothing.md: not found"},
		{"README.md", "[a]: nothing.md", "nothing.md: not found"},
		{"README.md", "<a href=\"nothing.md\">", "nothing.md: not found"},
		{"README.md", "[a](../outside.md)", "../outside.md: not found"},
		{"README.md", "[a](GUIDE.md#not)", "GUIDE.md#not: anchor not found"},
		{"README.md", "[a](#nothing)", "#nothing: anchor not found"},
		{"README.md", "[a](main.go#L1)", "main.go#L1: anchor not found"},
		{"README.md", "![](docs/images/image.svg)", "docs/images/image.svg: image without a description"},
		{"README.md", "[a](http://example.com)", "http://example.com: not an https address"},
		{"README.md", "[a](https:///path)", "https:///path: not an https address"},
		{"README.md", "![a](" + raw + "nothing.svg)", raw + "nothing.svg: not found"},
		{
			"README.md", "[a](https://github.com/qovery/terraform-provider-qoveryrotation/tree/main/nothing)",
			"https://github.com/qovery/terraform-provider-qoveryrotation/tree/main/nothing: not found",
		},
		{
			"README.md", "[a](https://registry.terraform.io/providers/qovery/qoveryrotation/latest/docs/nothing)",
			"https://registry.terraform.io/providers/qovery/qoveryrotation/latest/docs/nothing: not found",
		},
		{"docs/index.md", "[a](guides/other.md)", "guides/other.md: not found in the registry"},
		{"docs/guides/page.md", "[a](../index.md)", "../index.md: not found in the registry"},
		{"docs/guides/page.md", "[a](../../main.go)", "../../main.go: not found in the registry"},
		{"docs/guides/page.md", "![a](../images/image.svg)", "../images/image.svg: not found in the registry"},
	} {
		fsys := fstest.MapFS{test.page: {Data: []byte(test.text)}}
		for name, file := range files {
			if name != test.page {
				fsys[name] = file
			}
		}
		problems, _, err := check(fsys)
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		if test.want != "" {
			want = test.page + ": " + test.want
		}
		if got := strings.Join(problems, "\n"); got != want {
			t.Errorf("%s with %s: %q, want %q", test.page, test.text, got, want)
		}
	}
}

// page is a Markdown file with its links and anchors.
type page struct {
	links   []link
	anchors []string
}

type link struct {
	target      string
	image       bool
	description string
}

// check returns the problems of the links in all Markdown files, and the number of links.
func check(fsys fs.FS) ([]string, int, error) {
	pages := map[string]page{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		// Templates become the pages in docs. The other directories are not part of the repository.
		if entry.IsDir() && slices.Contains([]string{".git", ".cache", "dist", "templates"}, name) {
			return fs.SkipDir
		}
		if err != nil || path.Ext(name) != ".md" {
			return err
		}
		content, err := fs.ReadFile(fsys, name)
		pages[name] = parse(string(content))
		return err
	})
	var problems []string
	links := 0
	for name, page := range pages {
		links += len(page.links)
		for _, link := range page.links {
			if err := follow(fsys, pages, name, link); err != nil {
				problems = append(problems, fmt.Sprintf("%s: %s: %s", name, link.target, err))
			}
		}
	}
	slices.Sort(problems)
	return problems, links, err
}

var (
	linkPatterns = []*regexp.Regexp{
		regexp.MustCompile(`(?P<image>!?)\[(?P<description>[^\]]*)\]\((?P<target>[^)\s]*)[^)]*\)`),
		regexp.MustCompile(`\]\([^)]*\)\]\((?P<target>[^)\s]*)\)`), // The link around an image.
		regexp.MustCompile(`(?m)^ *\[[^\]]+\]: *(?P<target>\S+)`),
		regexp.MustCompile(`(?:href|src)="(?P<target>[^"]*)"`),
		regexp.MustCompile(`<(?P<target>https?:[^>]*)>`),
	}
	inlineCode = regexp.MustCompile("`[^`\n]*`")
	mark       = regexp.MustCompile(`<a (?:id|name)="([^"]+)">`)
	heading    = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	linkText   = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	noAnchor   = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// parse finds the links and the anchors of a page.
func parse(content string) page {
	var text strings.Builder
	fenced := false
	for line := range strings.Lines(content) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case !fenced:
			text.WriteString(line)
		}
	}
	var p page
	prose := inlineCode.ReplaceAllString(text.String(), "code")
	for _, pattern := range linkPatterns {
		for _, match := range pattern.FindAllStringSubmatch(prose, -1) {
			var l link
			for i, name := range pattern.SubexpNames() {
				switch name {
				case "target":
					l.target = match[i]
				case "image":
					l.image = match[i] != ""
				case "description":
					l.description = match[i]
				}
			}
			p.links = append(p.links, l)
		}
	}
	for _, match := range mark.FindAllStringSubmatch(text.String(), -1) {
		p.anchors = append(p.anchors, match[1])
	}
	seen := map[string]int{}
	for _, match := range heading.FindAllStringSubmatch(text.String(), -1) {
		words := noAnchor.ReplaceAllString(strings.ToLower(linkText.ReplaceAllString(match[1], "$1")), "")
		anchor := strings.ReplaceAll(words, " ", "-")
		if n := seen[anchor]; n > 0 {
			p.anchors = append(p.anchors, fmt.Sprintf("%s-%d", anchor, n))
		} else {
			p.anchors = append(p.anchors, anchor)
		}
		seen[anchor]++
	}
	return p
}

var (
	errNotFound         = errors.New("not found")
	errNoAnchor         = errors.New("anchor not found")
	errNotInRegistry    = errors.New("not found in the registry")
	errNoHTTPS          = errors.New("not an https address")
	errImageUnexplained = errors.New("image without a description")
)

// follow returns an error if a link of a page is broken.
func follow(fsys fs.FS, pages map[string]page, from string, l link) error {
	if l.image && l.description == "" {
		return errImageUnexplained
	}
	address, err := url.Parse(l.target)
	if err != nil {
		return err
	}
	target, published := publishedFile(l.target)
	switch {
	case published:
	case address.Scheme != "" || address.Host != "":
		if address.Scheme != "https" || address.Host == "" {
			return errNoHTTPS
		}
		return nil
	case address.Path == "":
		target = from
	default:
		target = path.Join(path.Dir(from), address.Path)
		if strings.HasPrefix(from, "docs/") && !inRegistry(from, target) {
			return errNotInRegistry
		}
	}
	if _, err := fs.Stat(fsys, target); err != nil {
		return errNotFound
	}
	if address.Fragment != "" && !slices.Contains(pages[target].anchors, address.Fragment) {
		return errNoAnchor
	}
	return nil
}

// inRegistry reports whether a relative link between files works on the registry's pages. The registry has only the pages of
// docs, and shows the index one level above the others, at an address without a slash at its end.
func inRegistry(from, target string) bool {
	const index = "docs/index.md"
	return from != index && target != index && strings.HasPrefix(target, "docs/") && path.Ext(target) == ".md"
}

var (
	registryAddress = regexp.MustCompile(`^https://registry\.terraform\.io/providers/qovery/qoveryrotation/[^/]+/docs/?([^#?]*)`)
	gitHubAddress   = regexp.MustCompile(`^https://(?:raw\.githubusercontent\.com/qovery/terraform-provider-qoveryrotation/|` +
		`github\.com/qovery/terraform-provider-qoveryrotation/(?:blob|raw|tree)/)[^/]+/([^#?]*)`)
)

// publishedFile returns the file that a published address of this project shows, in any version.
func publishedFile(address string) (string, bool) {
	if match := registryAddress.FindStringSubmatch(address); match != nil {
		if match[1] == "" {
			return "docs/index.md", true
		}
		return "docs/" + match[1] + ".md", true
	}
	if match := gitHubAddress.FindStringSubmatch(address); match != nil {
		return path.Clean(match[1]), true
	}
	return "", false
}
