package simulator

import (
	"net/http"
	"strconv"
)

// noteChange adds a change of credentials to the organization's audit log.
func (c *Credentials) noteChange(by string) {
	origin := "API"
	if by == bySomebodyElse {
		origin = "CONSOLE"
	}
	c.organization.events = append(c.organization.events, object{
		"id": newUUID(), "timestamp": jsonTime(c.world.qoveryNow()), "event_type": "UPDATE",
		"target_type": "ORGANIZATION", "sub_target_type": "CLOUD_PROVIDER_CREDENTIALS",
		"target_id": c.ID, "target_name": c.name(), "origin": origin, "triggered_by": by, "change": "{}",
		"project_id": nil, "environment_id": nil,
	})
}

// eventFilters maps the parameters that filter the list of events to the fields that they are compared with.
var eventFilters = map[string]string{
	"eventType": "event_type", "targetType": "target_type", "subTargetType": "sub_target_type", "targetId": "target_id",
	"triggeredBy": "triggered_by", "origin": "origin",
}

// listEvents returns one page of events, the newest first.
func (w *World) listEvents(r *http.Request, o *Organization) (any, error) {
	query := r.URL.Query()
	size, err := strconv.Atoi(query.Get("pageSize"))
	if err != nil {
		size = 10
	}
	list := []any{}
	for i := len(o.events) - 1; i >= 0 && len(list) < size; i-- {
		matches := true
		for parameter, field := range eventFilters {
			matches = matches && (!query.Has(parameter) || query.Get(parameter) == o.events[i][field])
		}
		if matches {
			list = append(list, o.events[i])
		}
	}
	return object{"links": object{}, "organization_max_limit_reached": false, "events": list}, nil
}
