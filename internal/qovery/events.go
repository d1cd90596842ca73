package qovery

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// eventsSize is the number of newest changes to read, of any credentials.
const eventsSize = 50

// event is an entry of an organization's audit log.
type event struct {
	Timestamp   timestamp `json:"timestamp"`
	TargetID    string    `json:"target_id"`
	TriggeredBy string    `json:"triggered_by"`
	Origin      string    `json:"origin"`
}

// eventList is Qovery's answer with events, which differs from [list].
type eventList struct {
	Events *[]event `json:"events"`
}

// check implements [answer].
func (l *eventList) check() error {
	if l.Events == nil {
		return fmt.Errorf("%w: events are missing", errIncomplete)
	}
	return nil
}

// LastCredentialsChange implements [rotation.Qovery]. The request does not filter by the id of the credentials, because
// Qovery's description does not specify which type of target that filter needs.
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
