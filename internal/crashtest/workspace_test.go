package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/acctest"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const requirements = `
terraform {
  required_providers {
    qoveryrotation = { source = "qovery/qoveryrotation" }
  }
}
`

// The resources of a workspace.
const (
	credentialsAddress = "qoveryrotation_aws_credentials.production"
	cleanupAddress     = "qoveryrotation_aws_access_key_cleanup.production"
)

// tb is the part of a test or a walk that a scene needs.
type tb interface {
	simulator.TB
	Context() context.Context
	Error(args ...any)
	Fatal(args ...any)
	Failed() bool
}

// stateFile is the state of a workspace, and logFile is the provider's log.
const (
	stateFile = "terraform.tfstate"
	logFile   = "log"
)

// applyArguments are the arguments to plan and apply.
var applyArguments = []string{"apply", "-auto-approve", "-input=false", "-no-color"}

// unlockedArguments are applyArguments without a lock of the state, and besideArguments are those for a second run at the same
// time. It writes a state of its own, because two runs that write one file can leave half a state.
var (
	unlockedArguments = append([]string{"apply", "-lock=false"}, applyArguments[1:]...)
	besideArguments   = append([]string{"apply", "-lock=false", "-state-out=beside.tfstate"}, applyArguments[1:]...)
)

// workspace is a working directory of Terraform with a configuration and a state.
type workspace struct {
	t     tb
	scene *scene
	dir   string
	// ahead is how far the machine's clock is ahead.
	ahead time.Duration
	// lastUseDelay is the provider's last_use_delay. If it is empty, there is no provider block.
	lastUseDelay string
	// compromised is the provider's compromised_access_key_ids.
	compromised []string
	// hold is the argument of the cleanups, and window the line with the rotation_window of the credentials, if there is one.
	hold   bool
	window string
	// account is the AWS account of the provider's credentials.
	account *simulator.Account
	// patience is the provider's request timeout, in real time.
	patience time.Duration
}

func (s *scene) newWorkspace(t tb) *workspace {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(initialized), "workspace")
	if err != nil {
		t.Fatal(err)
	}
	// The simulator reports the use of a key without a delay.
	w := &workspace{t: t, scene: s, dir: dir, lastUseDelay: "0s", account: s.Account(), patience: patience}
	lock, err := os.ReadFile(filepath.Join(initialized, ".terraform.lock.hcl"))
	if err != nil {
		t.Fatal(err)
	}
	w.write(".terraform.lock.hcl", lock)
	return w
}

func (w *workspace) write(name string, content []byte) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// configure writes a configuration with both resources for each credentials set, with these arguments for the credentials.
func (w *workspace) configure(arguments string) {
	w.t.Helper()
	each := map[string]string{}
	for name := range w.scene.sets() {
		each[name] = arguments
	}
	w.configureEach(each)
}

// configureEach writes a configuration with both resources for the named credentials sets, each with its own arguments.
func (w *workspace) configureEach(arguments map[string]string) {
	w.t.Helper()
	config := []byte(requirements)
	compromised, err := json.Marshal(append([]string{}, w.compromised...))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.lastUseDelay != "" {
		config = fmt.Appendf(config, "\nprovider \"qoveryrotation\" {\n  last_use_delay = %q\n  compromised_access_key_ids = %s\n}\n", w.lastUseDelay, compromised)
	}
	for name, own := range arguments {
		config = fmt.Appendf(config, `
resource "qoveryrotation_aws_credentials" %[1]q {
  organization_id = %[2]q
  credentials_id  = %[3]q
  %[4]s
}

resource "qoveryrotation_aws_access_key_cleanup" %[1]q {
  organization_id = qoveryrotation_aws_credentials.%[1]s.organization_id
  credentials_id  = qoveryrotation_aws_credentials.%[1]s.credentials_id
  iam_user_name   = qoveryrotation_aws_credentials.%[1]s.iam_user_name
  access_key_id   = qoveryrotation_aws_credentials.%[1]s.previous_access_key_id
  delete_after    = qoveryrotation_aws_credentials.%[1]s.drain_ends_at
  hold            = %[5]t
}
`, name, w.scene.organization.ID, w.scene.sets()[name].ID, own, w.hold)
	}
	w.write("main.tf", config)
}

// schedule writes a configuration with a value of the trigger.
func (w *workspace) schedule(value string) {
	w.t.Helper()
	w.configure(fmt.Sprintf("rotation_triggers = { schedule = %q }\n  %s", value, w.window))
}

// result is the result of a run of Terraform.
type result struct {
	exitCode int
	output   string
}

// process is a running Terraform.
type process struct {
	*exec.Cmd
	output *bytes.Buffer
}

// start starts Terraform in the workspace. Its environment has only the scene's world.
func (w *workspace) start(args ...string) *process {
	w.t.Helper()
	p := &process{exec.CommandContext(w.t.Context(), terraformPath, args...), new(bytes.Buffer)}
	p.Dir, p.Stdout, p.Stderr = w.dir, p.output, p.output
	p.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + w.dir, "TMPDIR=" + os.TempDir(), "CHECKPOINT_DISABLE=1",
		"TF_CLI_CONFIG_FILE=" + cliConfig, "TF_DATA_DIR=" + filepath.Join(initialized, ".terraform"),
		"TF_LOG_PROVIDER=DEBUG", "TF_LOG_SDK=OFF", "TF_LOG_PATH=" + filepath.Join(w.dir, logFile),
		"SIMULATOR_CONTROL_URL=" + w.scene.ControlURL(), "TESTPROVIDER_AHEAD=" + w.ahead.String(),
		"TESTPROVIDER_PATIENCE=" + w.patience.String(),
	}
	for _, more := range []map[string]string{acctest.Environment(), w.account.Env()} {
		for name, value := range more {
			p.Env = append(p.Env, name+"="+value)
		}
	}
	w.scene.keepDeploying()
	if err := p.Start(); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// finish waits for the end of Terraform, and checks that no secret is in its output, log and state.
func (w *workspace) finish(p *process) result {
	w.t.Helper()
	if err := p.Wait(); err != nil {
		if _, ok := errors.AsType[*exec.ExitError](err); !ok {
			w.t.Fatal(err)
		}
	}
	r := result{p.ProcessState.ExitCode(), p.output.String()}
	left := map[string][]byte{"output": []byte(r.output), "log": w.read(logFile), "state": w.state()}
	for _, secret := range w.scene.Secrets() {
		for what, content := range left {
			if bytes.Contains(content, []byte(secret)) {
				w.t.Errorf("terraform %v: a secret is in the %s", p.Args[1:], what)
			}
		}
	}
	w.write(logFile, nil)
	return r
}

// terraform runs Terraform.
func (w *workspace) terraform(args ...string) result {
	w.t.Helper()
	return w.finish(w.start(args...))
}

// apply plans and applies.
func (w *workspace) apply(args ...string) result {
	w.t.Helper()
	return w.terraform(slices.Concat(applyArguments, args)...)
}

// mustApply is apply for an apply that must succeed.
func (w *workspace) mustApply(args ...string) {
	w.t.Helper()
	if r := w.apply(args...); r.exitCode != 0 {
		w.t.Fatalf("apply failed:\n%s", r.tail())
	}
}

// expectEmptyPlan checks that Terraform has nothing to do.
func (w *workspace) expectEmptyPlan() {
	w.t.Helper()
	if r := w.terraform("plan", "-detailed-exitcode", "-input=false", "-no-color"); r.exitCode != 0 {
		w.t.Errorf("the plan is not empty:\n%s", r.output)
	}
}

// read returns the content of a file, or nil if there is none.
func (w *workspace) read(name string) []byte {
	w.t.Helper()
	content, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	return content
}

// remove deletes a file, if it is there.
func (w *workspace) remove(name string) {
	w.t.Helper()
	if err := os.Remove(filepath.Join(w.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
}

func (w *workspace) state() []byte { return w.read(stateFile) }

// instance is an object in a state.
type instance struct {
	Status     string          `json:"status"`
	Attributes json.RawMessage `json:"attributes"`
	Private    []byte          `json:"private"`
}

// private returns the provider's private values in the state.
func (i instance) private(t tb) string {
	t.Helper()
	values := map[string][]byte{}
	if len(i.Private) > 0 {
		if err := json.Unmarshal(i.Private, &values); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%s", values)
}

// instances returns the objects in the state by address.
func (w *workspace) instances() map[string]instance {
	w.t.Helper()
	content := w.state()
	if len(content) == 0 { // Terraform was killed before it wrote a state.
		return nil
	}
	var state struct {
		Resources []struct {
			Type      string     `json:"type"`
			Name      string     `json:"name"`
			Instances []instance `json:"instances"`
		} `json:"resources"`
	}
	if err := json.Unmarshal(content, &state); err != nil {
		w.t.Fatal(err)
	}
	instances := map[string]instance{}
	for _, resource := range state.Resources {
		for _, instance := range resource.Instances {
			instances[resource.Type+"."+resource.Name] = instance
		}
	}
	return instances
}

// attribute returns a string attribute in the state, or "" if it is null or its resource is not in the state.
func (w *workspace) attribute(address, name string) string {
	w.t.Helper()
	instance, ok := w.instances()[address]
	if !ok {
		return ""
	}
	attributes := map[string]any{}
	if err := json.Unmarshal(instance.Attributes, &attributes); err != nil {
		w.t.Fatal(err)
	}
	text, _ := attributes[name].(string)
	return text
}

// tail returns the output after the plan.
func (r result) tail() string {
	_, after, found := strings.Cut(r.output, "\nPlan: ")
	if !found {
		return r.output
	}
	return after
}

// says reports whether the output contains a text, wherever Terraform broke the lines.
func (r result) says(text string) bool {
	return strings.Contains(strings.Join(strings.Fields(r.output), " "), text)
}

// expectFailure checks that a run failed, and that its output contains facts.
func (r result) expectFailure(t tb, facts ...string) {
	t.Helper()
	for _, fact := range facts {
		if r.exitCode == 0 || !r.says(fact) {
			t.Errorf("exit code %d, want a failure that says %q:\n%s", r.exitCode, fact, r.tail())
		}
	}
}
