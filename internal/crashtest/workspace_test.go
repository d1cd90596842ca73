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

// tb is what a scene needs of a test or of a walk.
type tb interface {
	simulator.TB
	Context() context.Context
	Error(args ...any)
	Fatal(args ...any)
	Failed() bool
}

// stateFile is where a workspace has its state, and logFile where Terraform logs what the provider says.
const (
	stateFile = "terraform.tfstate"
	logFile   = "log"
)

// applyArguments make Terraform plan and apply.
var applyArguments = []string{"apply", "-auto-approve", "-input=false", "-no-color"}

// unlockedArguments are the same for one that does not ask whether another Terraform has the state.
var unlockedArguments = append([]string{"apply", "-lock=false"}, applyArguments[1:]...)

// workspace is a working directory of Terraform with a configuration and a state.
type workspace struct {
	t     tb
	scene *scene
	dir   string
	// ahead is how much the clock of the machine is.
	ahead time.Duration
	// lastUseDelay is the provider's argument, which is left out when it is empty.
	lastUseDelay string
	// compromised are the keys that the provider block lists.
	compromised []string
	// hold is what cleanups say about their key, and window is the rotation_window of the credentials, if there is one.
	hold   bool
	window string
	// account is whose credentials the provider has.
	account *simulator.Account
	// patience is how long the provider waits for an answer, in real time.
	patience time.Duration
}

func (s *scene) newWorkspace(t tb) *workspace {
	t.Helper()
	dir, err := os.MkdirTemp(filepath.Dir(initialized), "workspace")
	if err != nil {
		t.Fatal(err)
	}
	// The simulator shows the use of a key at once.
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

// configureEach writes a configuration with both resources for the named credentials sets, each with arguments of its own.
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

// schedule configures a rotation for a value of the trigger.
func (w *workspace) schedule(value string) {
	w.t.Helper()
	w.configure(fmt.Sprintf("rotation_triggers = { schedule = %q }\n  %s", value, w.window))
}

// result is what a run of Terraform came to.
type result struct {
	exitCode int
	output   string
}

// process is a Terraform that runs.
type process struct {
	*exec.Cmd
	output *bytes.Buffer
}

// start starts Terraform in the workspace, in the world of the scene and in nobody else's.
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

// finish waits for the end of Terraform and looks for secrets in what it leaves behind.
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

// mustApply is apply for an apply that succeeds.
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

// read returns the content of a file; nil if there is none.
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

// private is what the provider keeps in the state for itself.
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

// instances are the objects in the state, by address.
func (w *workspace) instances() map[string]instance {
	w.t.Helper()
	content := w.state()
	if len(content) == 0 { // Terraform was killed before it wrote anything.
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

// attribute is an attribute in the state, as text; empty when it is null or its resource is not there.
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

// tail is what a run said after its plan.
func (r result) tail() string {
	_, after, found := strings.Cut(r.output, "\nPlan: ")
	if !found {
		return r.output
	}
	return after
}

// says tells whether a run said something, however Terraform broke the lines.
func (r result) says(text string) bool {
	return strings.Contains(strings.Join(strings.Fields(r.output), " "), text)
}

// expectFailure checks that a run failed and said why.
func (r result) expectFailure(t tb, facts ...string) {
	t.Helper()
	for _, fact := range facts {
		if r.exitCode == 0 || !r.says(fact) {
			t.Errorf("exit code %d, want a failure that says %q:\n%s", r.exitCode, fact, r.tail())
		}
	}
}
