// Command demo shows a rotation from the first "terraform apply" to the deleted key, in less than three minutes: the
// Terraform of the machine, this provider and hashicorp/time are real, AWS and Qovery are simulated on loopback.
//
// It exits with an error if anything does not happen as it is told, and leaves nothing behind.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, newNarrator(os.Stdout))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "\nThe demo failed:", err)
		os.Exit(1)
	}
}

// run sets everything up, tells the story and takes everything down.
func run(ctx context.Context, n *narrator) error {
	dir, err := os.MkdirTemp("", "demo")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	n.chapter("Preparations")
	n.say("Building the provider and hashicorp/time, which takes a minute the first time.")
	s, err := newStage(ctx, dir)
	if err != nil {
		return err
	}
	defer s.world.Close()
	return s.play(ctx, n)
}
