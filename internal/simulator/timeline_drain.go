package simulator

import (
	"fmt"
	"time"
)

// EarlyDeletions describes the deletions of keys before the end of their drain window. The window of a key that Qovery held begins
// when the first deployment with its successor ends.
func (t Timeline) EarlyDeletions(drainWindow time.Duration) []string {
	var early []string
	held, over := "", map[string]time.Time{} // over is the end of a replaced key's drain window; zero until the deployment
	for _, event := range t {
		id := event.AccessKeyID
		switch event.What {
		case EventHeld:
			over[held], held = time.Time{}, id
			delete(over, id)
		case EventDeployed:
			for replaced, at := range over {
				if at.IsZero() && replaced != id {
					over[replaced] = event.Time.Add(drainWindow)
				}
			}
		case EventDeleted:
			if at, replaced := over[id]; replaced && (at.IsZero() || event.Time.Before(at)) {
				early = append(early, fmt.Sprintf("%s was deleted at %s, the drain window was over at %s", id, event.Time, at))
			}
		default:
		}
	}
	return early
}
