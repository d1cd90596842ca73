// Command demo shows a rotation from the first "terraform apply" to the deleted key in less than three minutes. The machine's
// Terraform, this provider and hashicorp/time are real, and AWS and Qovery are simulated on loopback.
//
// It exits with an error if anything differs from the story, and removes all its files.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	n := newNarrator(os.Stdout)
	err := play(ctx, n)
	switch {
	case ctx.Err() != nil:
		n.say("Interrupted. All files of the demo are removed.")
	case err != nil:
		n.say("The demo failed:")
		n.quote(err.Error())
	default:
		return
	}
	os.Exit(1)
}

// play plays the story in a temporary directory, and removes it.
func play(ctx context.Context, n *narrator) error {
	dir, err := os.MkdirTemp("", "qoveryrotation-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	s, err := setUp(ctx, n, dir)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, chapter := range []func(context.Context) error{s.adopt, s.rotate, s.drain, s.cleanUp, s.lookBack} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	return nil
}
