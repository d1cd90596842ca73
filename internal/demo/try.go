package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	ctx := context.Background()
	w, err := simulator.Start(simulator.Config{Clock: simulator.NewRealClock(), DeploymentDuration: 8 * time.Second})
	must(err)
	defer w.Close()
	dir := "/tmp/demotry/w"
	os.RemoveAll(dir)
	must(os.MkdirAll(dir, 0o755))
	b, _ := os.ReadFile("examples/single/main.tf")
	must(os.WriteFile(dir+"/main.tf", b, 0o600))
	tf, err := tfexec.NewTerraform(dir, "/usr/local/bin/terraform")
	must(err)
	env := w.Env()
	env["TF_CLI_CONFIG_FILE"] = "/tmp/demotry/cli.tfrc"
	must(tf.SetEnv(env))
	tf.SetStdout(os.Stdout)
	must(os.WriteFile(dir+"/demo_override.tf", []byte(`
provider "qoveryrotation" {
  poll_interval        = "1s"
  minimum_drain_window = "20s"
}
resource "qoveryrotation_aws_credentials" "production" {
  drain_window = "20s"
}
resource "time_rotating" "quarterly" {
  triggers = {}
}
`), 0o600))
	must(tf.Init(ctx))
	base := time.Now().UTC().Truncate(time.Second).AddDate(0, 0, -90).Add(25 * time.Second)
	org := w.AddOrganization("acme")
	u := w.AddUser("qovery")
	k := u.AddKeyCreated(base)
	set := org.AddCredentials("production", k)
	org.AddCluster("production", "eu-west-3", set)
	must(os.WriteFile(dir+"/terraform.tfvars", []byte(fmt.Sprintf("organization_id=%q\ncredentials_id=%q\n", org.ID, set.ID)), 0o600))
	must(os.WriteFile(dir+"/import.tf", []byte(fmt.Sprintf(`
import {
  to = time_rotating.quarterly
  id = "%s,,,90,,"
}
import {
  to = qoveryrotation_aws_credentials.production
  id = "%s/%s"
}
`, base.Format(time.RFC3339), org.ID, set.ID)), 0o600))
	start := time.Now()
	_, err = tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	must(tf.Apply(ctx, tfexec.DirOrPlan("p")))
	fmt.Println("@@@ import", time.Since(start))
	must(os.Remove(dir + "/import.tf"))
	ch, err := tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	fmt.Println("@@@ changes", ch, time.Since(start))
	time.Sleep(time.Until(base.AddDate(0, 0, 90)))
	_, err = tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	must(tf.Apply(ctx, tfexec.DirOrPlan("p")))
	fmt.Println("@@@ rotated", time.Since(start))
	ch, err = tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	fmt.Println("@@@ changes", ch, time.Since(start))
	time.Sleep(20 * time.Second)
	ch, err = tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	must(tf.Apply(ctx, tfexec.DirOrPlan("p")))
	ch, err = tf.Plan(ctx, tfexec.Out("p"))
	must(err)
	fmt.Println("@@@ changes", ch, time.Since(start))
	fmt.Println(w.Timeline())
	fmt.Println(w.Violations())
	fmt.Println(u.Tags())
}
