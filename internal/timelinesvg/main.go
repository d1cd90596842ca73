// Command timelinesvg prints the drawing that the documentation shows: the life of two access keys, from a rotation to the
// retirement of the previous key. It draws what it sees: a rotation by this project's own code, of simulated AWS and
// Qovery.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

const (
	drainWindow = 2 * time.Hour
	timeLimit   = time.Hour
)

func main() {
	seen, err := watch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(draw(seen))
}

// watch rotates a key, waits for the end of the drain window, retires the previous key, and returns what happened to the
// two keys from the creation of the new one on.
func watch() (story, error) {
	ctx := context.Background()
	w, err := simulator.Start(simulator.Config{})
	if err != nil {
		return story{}, err
	}
	defer w.Close()
	// The drawing must not depend on the machine's own AWS settings.
	for name, value := range w.Env() {
		if err := os.Setenv(name, value); err != nil {
			return story{}, err
		}
	}
	org := w.AddOrganization("acme")
	user := w.AddUser("qovery")
	set := org.AddCredentials("production", user.AddKey())
	org.AddCluster("prod", "eu-west-3", set)
	w.Clock().Advance(90 * 24 * time.Hour)

	iam, err := awsiam.New(ctx, awsiam.Config{Now: w.Clock().Now})
	if err != nil {
		return story{}, err
	}
	api, err := qovery.New(qovery.Config{URL: w.QoveryURL(), Token: w.Token()})
	if err != nil {
		return story{}, err
	}
	rotator := rotation.New(rotation.Config{IAM: iam, Qovery: api, Clock: w.Clock(), PollInterval: 5 * time.Second})
	target := rotation.Target{OrganizationID: org.ID, CredentialsID: set.ID, UserName: user.Name}
	record, err := rotator.Rotate(ctx, rotation.Intent{
		Target: target, Rotate: true, RotateRegistries: true, DrainWindow: drainWindow, Timeout: timeLimit,
	})
	if err != nil {
		return story{}, err
	}
	w.Clock().AdvanceTo(record.DrainEndsAt)
	_, err = rotator.Retire(ctx, rotation.Retirement{
		Target: target, AccessKeyID: record.PreviousAccessKeyID, DeleteAfter: record.DrainEndsAt,
	}, false, timeLimit)
	if err != nil {
		return story{}, err
	}
	if violations := w.Violations(); len(violations) > 0 {
		return story{}, fmt.Errorf("the rotation must not be shown: %v", violations)
	}
	return newStory(w.Timeline(), record.PreviousAccessKeyID, record.AccessKeyID)
}

// story is what happened to two keys, in moments of simulated time.
type story struct {
	moments []moment
	// cutover, deployed and retired are positions in moments.
	cutover, deployed, retired int
}

// moment is when one or more things happened.
type moment struct {
	at     time.Time
	labels []string
}

// newStory leaves out everything from before the new key.
func newStory(timeline simulator.Timeline, previous, current string) (story, error) {
	var s story
	for _, event := range timeline {
		if len(s.moments) == 0 && event.AccessKeyID != current {
			continue
		}
		if last := len(s.moments) - 1; last < 0 || event.Time.After(s.moments[last].at) {
			s.moments = append(s.moments, moment{at: event.Time})
		}
		last := len(s.moments) - 1
		label := map[simulator.EventKind]string{
			simulator.EventCreated:     "new key created",
			simulator.EventVerified:    "first accepted by AWS",
			simulator.EventHeld:        "cutover: Qovery holds it",
			simulator.EventDeployed:    "cluster runs with it",
			simulator.EventDeactivated: "old key Inactive",
			simulator.EventDeleted:     "old key deleted",
		}[event.What]
		if label == "" {
			return story{}, fmt.Errorf("an event that the drawing has no words for: %s", event.What)
		}
		s.moments[last].labels = append(s.moments[last].labels, label)
		switch {
		case event.What == simulator.EventHeld && event.AccessKeyID == current:
			s.cutover = last
		case event.What == simulator.EventDeployed && event.AccessKeyID == current:
			s.deployed = last
		case event.What == simulator.EventDeleted && event.AccessKeyID == previous:
			s.retired = last
		}
	}
	if s.cutover == 0 || s.deployed == 0 || s.retired == 0 {
		return story{}, errors.New("the story has no cutover, no deployment or no end")
	}
	return s, nil
}
