package provider_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// guideReader follows a guide. If the guide has something to run, there is an example with a simulated world.
type guideReader struct {
	guide
	*example
	t       *testing.T
	section string
	// unused are the sections and shown blocks of the table that were not found on the page so far.
	unused map[string]bool
	// last is the step of the last command, and output is what it printed.
	last   guideStep
	output string
}

// guideStep is what the reader does with a block.
type guideStep int

const (
	// unexplained is a block that is neither followed nor named in the table.
	unexplained guideStep = iota
	// shown is a block that the table names.
	shown
	// elsewhere is a command for the APIs of others. Only its syntax is checked.
	elsewhere
	// runs is a command for a shell.
	runs
	// promises is the output of the last command.
	promises
	// edits is the content of a file.
	edits
)

var foreignCommand = regexp.MustCompile(`^(aws|gh|glab|curl [^\n]*\\\n(?s:.*)https://(app\.terraform\.io|gitlab\.com)) ?`)

func (r *guideReader) step(block guideBlock) guideStep {
	for part := range r.shown {
		if strings.Contains(block.code, part) {
			delete(r.unused, part)
			return shown
		}
	}
	switch {
	case block.language == "shell" && foreignCommand.MatchString(block.code):
		return elsewhere
	case block.language == "shell":
		return runs
	case block.language == "text":
		return promises
	case block.file() != "":
		return edits
	}
	return unexplained
}

func (r *guideReader) follow(page *guidePage) {
	r.t.Helper()
	for name := range r.sections {
		r.unused[name] = true
	}
	for part := range r.shown {
		r.unused[part] = true
	}
	for _, block := range page.blocks {
		if block.section != r.section {
			r.leave()
			r.enter(block.section)
		}
		r.read(block)
		if r.t.Failed() {
			return // Later failures would only follow from this one.
		}
	}
	r.leave()
	if len(r.unused) > 0 {
		r.t.Errorf("the guide has no %q", slices.Sorted(maps.Keys(r.unused)))
	}
	if r.keys != "" && keyStates(r.user) != r.keys {
		r.t.Errorf("in the end the keys are %q, want %q", keyStates(r.user), r.keys)
	}
}

func (r *guideReader) enter(section string) {
	r.section = section
	delete(r.unused, section)
	if wait := r.sections[section].wait; wait > 0 {
		r.Clock().Advance(wait)
	}
}

func (r *guideReader) leave() {
	r.t.Helper()
	section := r.sections[r.section]
	if section.keys != "" && keyStates(r.user) != section.keys {
		r.t.Errorf("after %q the keys are %q, want %q", r.section, keyStates(r.user), section.keys)
	}
	if section.then != nil {
		section.then(r.example)
	}
}

func (r *guideReader) read(block guideBlock) {
	r.t.Helper()
	step := r.step(block)
	switch step {
	case unexplained:
		r.t.Errorf("under %q, nobody says what this is for:\n%s", r.section, block.code)
	case elsewhere:
		if output, err := exec.CommandContext(r.t.Context(), "sh", "-n", "-c", block.code).CombinedOutput(); err != nil {
			r.t.Errorf("%s: %s\n%s", err, output, block.code)
		}
	case runs:
		r.output = r.shell(r.real(block.code))
	case edits:
		r.edit(block)
	case promises:
		r.compare(block)
	case shown:
	}
	if block.language == "shell" {
		r.last = step
	}
}

// compare checks that the output of the last command contains each line of the block.
func (r *guideReader) compare(block guideBlock) {
	r.t.Helper()
	switch r.last {
	case runs:
	case shown, elsewhere:
		return
	default:
		r.t.Errorf("under %q, no command prints this:\n%s", r.section, block.code)
	}
	printed := unwrapped(r.output)
	for line := range strings.Lines(block.code) {
		if !promised(line, r.real).MatchString(printed) {
			r.t.Errorf("under %q, the last command does not print %q:\n%s", r.section, line, r.output)
		}
	}
}

// edit writes the block to its file. If the file exists and the guide does not say "Create", the block replaces what has the
// same head, or is added.
func (r *guideReader) edit(block guideBlock) {
	r.t.Helper()
	path := filepath.Join(r.dir, block.file())
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		r.t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err == nil && !strings.Contains(block.intro, "Create") {
		block.code = block.edited(string(content))
	}
	writeFile(r.t, path, r.real(block.code))
}

// real replaces the values in the guide by those of the simulated world.
func (r *guideReader) real(text string) string {
	values := []string{
		exampleOrganizationID, r.org.ID, exampleCredentialsID, r.set.ID, "AKIAIOSFODNN7EXAMPLE", r.key.ID,
		"https://api.qovery.com", r.QoveryURL(), "QOVERY_API_TOKEN=replace-this", "QOVERY_API_TOKEN=" + r.token,
	}
	if r.values != nil {
		values = append(values, r.values(r.example)...)
	}
	return strings.NewReplacer(values...).Replace(text)
}

// shell runs a command, which must succeed, and returns its output. The next command has the variables that it exports.
func (r *guideReader) shell(command string) string {
	r.t.Helper()
	const variables = "variables.sh"
	writeFile(r.t, filepath.Join(r.dir, "command.sh"), ". ./"+variables+"\n"+command+"\nexport -p >"+variables+"\n")
	shell := exec.CommandContext(r.t.Context(), "sh", "-e", "command.sh")
	shell.Dir, shell.Env = r.dir, r.env
	output, err := shell.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s: %s\n%s", command, err, output)
	}
	return string(output)
}

// begin creates the world of the guide, with Terraform and curl in PATH.
func (r *guideReader) begin(program, cliConfig string) {
	r.t.Helper()
	var files []string
	if r.guide.example != "" {
		files = append(files, filepath.Join(examplesDir, r.guide.example, "main.tf"))
	}
	r.example = newExample(r.t, program, cliConfig, files...)
	if r.world != nil {
		r.world(r.example)
	}
	bin := r.t.TempDir()
	self, err := os.Executable()
	if err != nil {
		r.t.Fatal(err)
	}
	for name, target := range map[string]string{"terraform": program, curlName: self} {
		if err := os.Symlink(target, filepath.Join(bin, name)); err != nil {
			r.t.Fatal(err)
		}
	}
	writeFile(r.t, filepath.Join(r.dir, "variables.sh"), "")
	// One resource at a time: two that wait on one simulated clock would use up each other's time limits.
	r.env = append(r.env, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"),
		"TF_CLI_ARGS_init=-input=false", "TF_CLI_ARGS_apply=-auto-approve -parallelism=1", "TF_CLI_ARGS_destroy=-auto-approve")
	if len(files) == 0 {
		if err := os.Remove(filepath.Join(r.dir, "terraform.tf")); err != nil { // The guide has everything.
			r.t.Fatal(err)
		}
		return
	}
	r.terraform("init", "-input=false")
	r.terraform("apply", "-input=false", "-auto-approve")
}
