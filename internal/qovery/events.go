package qovery

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// eventsSize is how many changes of any credentials are looked at, the newest first.
const eventsSize = 50

// event is an entry of an organization's audit log.
type event struct {
	Timestamp   timestamp `json:"timestamp"`
	TargetID    string    `json:"target_id"`
	TriggeredBy string    `json:"triggered_by"`
	Origin      string    `json:"origin"`
}

// eventList is how Qovery answers with events, unlike with everything else.
type eventList struct {
	Events *[]event `json:"events"`
}

// check implements [answer].
func (l *eventList) check() error {
	if l.Events == nil {
		return fmt.Errorf("%w: no events", errIncomplete)
	}
	return nil
}

// LastCredentialsChange implements [rotation.Qovery]. The events are not narrowed down to the credentials by their id, because the
// description leaves open which type of target goes with it.
func (c *Client) LastCredentialsChange(ctx context.Context, organizationID, credentialsID string) (rotation.CredentialsChange, error) {
	query := url.Values{"subTargetType": {"CLOUD_PROVIDER_CREDENTIALS"}, "pageSize": {strconv.Itoa(eventsSize)}}
	var found eventList
	if err := c.get(ctx, "getOrganizationEvents", organizationPath(organizationID, "events")+"?"+query.Encode(), &found); err != nil {
		return rotation.CredentialsChange{}, err
	}
	changes := slices.DeleteFunc(*found.Events, func(e event) bool { return e.TargetID != credentialsID })
	if len(changes) == 0 {
		return rotation.CredentialsChange{}, nil
	}
	last := slices.MaxFunc(changes, func(a, b event) int { return a.Timestamp.at.Compare(b.Timestamp.at) })
	return rotation.CredentialsChange{By: brief(last.TriggeredBy, c.token), Origin: brief(last.Origin, c.token), At: last.Timestamp.at}, nil
}
