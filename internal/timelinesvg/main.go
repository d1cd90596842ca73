// Command timelinesvg prints the drawing in the documentation: the life of two access keys, from a rotation to the retirement
// of the previous key. It runs that rotation with the project's code against simulated AWS and Qovery, and draws what
// happened.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/awsiam"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// The windows are the provider's defaults, except the quarantine, which is off by default.
const (
	drainWindow      = 2 * time.Hour
	lastUseDelay     = 20 * time.Minute
	quarantineWindow = 24 * time.Hour
	rotationTimeout  = time.Hour
)

// The two clusters. Production is deployed last.
const (
	stagingCluster    = "staging"
	productionCluster = "production"
)

func main() {
	seen, err := watch()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(draw(seen))
}

// watch rotates a key, waits for the end of the drain window and of the quarantine, and returns what happened.
func watch() (story, error) {
	ctx := context.Background()
	w, err := simulator.Start(simulator.Config{})
	if err != nil {
		return nil, err
	}
	defer w.Close()
	// The drawing must not depend on the machine's AWS configuration.
	for name, value := range w.Env() {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	org := w.AddOrganization("acme")
	user := w.AddUser("qovery")
	set := org.AddCredentials("aws", user.AddKey())
	org.AddCluster(stagingCluster, "eu-west-3", set)
	org.AddCluster(productionCluster, "eu-west-3", set).SetProduction(true)
	w.Clock().Advance(90 * 24 * time.Hour)

	iam, err := awsiam.New(ctx, awsiam.Config{Now: w.Clock().Now})
	if err != nil {
		return nil, err
	}
	api, err := qovery.New(qovery.Config{URL: w.QoveryURL(), Token: w.Token()})
	if err != nil {
		return nil, err
	}
	rotator := rotation.New(rotation.Config{
		IAM: iam, Qovery: api, Clock: w.Clock(), PollInterval: 5 * time.Second, LastUseDelay: lastUseDelay,
	})
	target := rotation.Target{OrganizationID: org.ID, CredentialsID: set.ID, UserName: user.Name}
	record, err := rotator.Rotate(ctx, rotation.Intent{
		Target: target, Rotate: true, RotateRegistries: true, ProductionLast: true, DrainWindow: drainWindow, Timeout: rotationTimeout,
	})
	if err != nil {
		return nil, err
	}
	_, err = rotator.Retire(ctx, rotation.Retirement{
		Target: target, AccessKeyID: record.PreviousAccessKeyID, DeleteAfter: record.DrainEndsAt, QuarantineWindow: quarantineWindow,
	}, true, 2*quarantineWindow)
	if err != nil {
		return nil, err
	}
	if violations := w.Violations(); len(violations) > 0 {
		return nil, fmt.Errorf("the rotation must not be shown: %v", violations)
	}
	return newStory(w.Timeline(), record.PreviousAccessKeyID, record.AccessKeyID)
}

// story has the simulated time of each moment of a rotation.
type story []time.Time

// The moments of a story.
const (
	created = iota
	cutover
	stagingDeployed
	productionDeployed
	deactivated
	deleted
)

// newStory finds the moments in a timeline. They must be in this order.
func newStory(timeline simulator.Timeline, previous, current string) (story, error) {
	moments := []simulator.Event{
		created:            {AccessKeyID: current, What: simulator.EventCreated},
		cutover:            {AccessKeyID: current, What: simulator.EventHeld, Detail: "aws"},
		stagingDeployed:    {AccessKeyID: current, What: simulator.EventDeployed, Detail: stagingCluster},
		productionDeployed: {AccessKeyID: current, What: simulator.EventDeployed, Detail: productionCluster},
		deactivated:        {AccessKeyID: previous, What: simulator.EventDeactivated},
		deleted:            {AccessKeyID: previous, What: simulator.EventDeleted},
	}
	var s story
	for _, event := range timeline {
		at := event.Time
		event.Time = time.Time{}
		if len(s) < len(moments) && event == moments[len(s)] {
			s = append(s, at)
		}
	}
	if len(s) < len(moments) {
		return nil, fmt.Errorf("the rotation has no moment %+v after %v", moments[len(s)], timeline)
	}
	return s, nil
}
