package provider

import (
	"fmt"
	"strings"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The texts about what a plan will do. Planned values cannot show it, because it may change until the apply.

// rotationPlanned is the warning about what a rotation will touch, one fact per line.
func rotationPlanned(s *rotation.Snapshot, f rotation.Forecast, in rotation.Intent, now time.Time) *rotation.Problem {
	current := s.Set.AccessKeyID
	var lines []string
	say := func(applies bool, format string, args ...any) {
		if applies {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	say(f.IsDead, "Qovery cannot use AWS at present: access key %s is Inactive or does not exist. This apply gives Qovery a key that works.", current)
	say(f.Compromised, "Access key %s of IAM user %q is listed as compromised. It will be replaced in %s. Right after that it becomes Inactive, and the "+
		"cleanup deletes it. Deployments that run now may fail.", current, s.User.Name, rotation.ListOf(f.Served))
	say(f.Compromised && s.Current != nil, "%s", lastUseOf(s.Current))
	say(len(f.Running) > 0, "These deployments run now: %s.", rotation.ListOf(f.Running))
	say(!f.Compromised, "Access key %s of IAM user %q will be replaced in %s.", current, s.User.Name, rotation.ListOf(f.Served))
	waves := rotation.Waves(f.Deployed, in.ProductionLast && !f.Compromised)
	lines = append(lines, order(waves)...)
	say(f.LastTook > 0, "In the last rotation, the deployments took %s.", rotation.Short(f.LastTook.Round(time.Second)))
	say(len(f.Outdated) > 0, "These clusters have changes that are not applied yet, and the deployment applies them: %s.", rotation.ListOf(f.Outdated))
	say(len(f.SelfManaged) > 0, "These clusters are not deployed, because they are self-managed: %s.", rotation.ListOf(f.SelfManaged))
	last := "the last deployment"
	if len(f.Deployed) == 0 {
		last = "the rotation"
	}
	say(!f.Compromised && !f.IsDead, "The replaced key stays valid until %s at least, which is %s after %s.",
		rotation.Moment(now.Add(f.LastTook+in.DrainWindow)), rotation.Short(in.DrainWindow), last)
	say(len(f.Stale) > 0, "This is a repair. An interrupted rotation left an older key in %s. These objects have no working key for some seconds, until they "+
		"get the new one. Deployments that use them fail in that time, so the repair begins only while no deployment runs.", rotation.ListOf(f.Stale))
	advice := "A failure before Qovery holds the new key is rolled back. After that, a rotation cannot be undone: the next apply resumes it."
	if len(f.Deployed) > 0 {
		advice = "Check that these clusters can be deployed now. " + advice
	}
	return &rotation.Problem{Summary: summaryRotationPlanned, Cause: strings.Join(lines, "\n"), World: rotation.WorldPlanned, Advice: advice}
}

// order names clusters in the order in which they are deployed.
func order(waves [][]rotation.Cluster) []string {
	switch len(waves) {
	case 0:
		return []string{"No cluster will be deployed."}
	case 1:
		return []string{fmt.Sprintf("Clusters to deploy: %s.", rotation.ListOf(waves[0]))}
	default:
		return append(order(waves[:1]), fmt.Sprintf("When all of these are deployed, production follows: %s. If one fails, production is not deployed in this apply.",
			rotation.ListOf(waves[1])))
	}
}

// holdersLeft is the warning about objects that keep the replaced key, or nil if there are none.
func holdersLeft(accessKeyID string, f rotation.Forecast) *rotation.Problem {
	problem := &rotation.Problem{
		Summary: summaryHoldersLeft,
		Cause: fmt.Sprintf("Access key %s is also stored in %s. These objects keep it. The key cannot be retired while an object stores it.",
			accessKeyID, rotation.ListOf(f.LeftBehind)),
		World: rotation.WorldPlanned,
		Advice: "Do one of these:\n" +
			"  - To store the new key in these objects, set rotate_registries = true.\n" +
			"  - Store another key in each of them before the drain window ends.",
		Argument: argumentRegistries,
	}
	switch {
	case len(f.LeftBehind) == 0:
		return nil
	case f.Compromised:
		problem.Cause = fmt.Sprintf("Access key %s is also stored in %s. The provider cannot store the new key there. "+
			"These objects have no working key as soon as the compromised one is Inactive.", accessKeyID, rotation.ListOf(f.LeftBehind))
		problem.Advice = "Store another key in each of these objects, or use a role. Before that, the compromised key is not deleted, but stays Inactive."
		problem.Argument = rotation.ArgumentNone
	}
	return problem
}

// waitsForOtherRun is the warning about a rotation of another run, which may still be alive.
func waitsForOtherRun(userName string, until time.Time) *rotation.Problem {
	return &rotation.Problem{
		Summary: rotation.SummaryOtherRotation,
		Cause: fmt.Sprintf("Another run may be rotating an access key of IAM user %q. The apply waits until %s at most. Then it decides what to do.",
			userName, rotation.Moment(until)),
		World: rotation.WorldPlanned,
	}
}

// leakStopsOnResume is the warning about a compromised key that a resumed rotation makes Inactive.
func leakStopsOnResume(userName, accessKeyID string) *rotation.Problem {
	return &rotation.Problem{
		Summary: rotation.SummaryWillBeDeactivated,
		Cause: fmt.Sprintf("Access key %s of IAM user %q is listed as compromised. It will be deactivated: it becomes Inactive. "+
			"Deployments that began with it may fail.", accessKeyID, userName),
		World: rotation.WorldPlanned,
	}
}

// changeCovered is the warning about a resumed rotation that counts as the one that changed triggers ask for.
func changeCovered() *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryResumeSwallowed,
		Cause: "This apply resumed an interrupted rotation. It counts as the rotation that the changed rotation_triggers ask for. No second rotation " +
			"follows.",
		Advice:   "To rotate once more, change rotation_triggers again after the drain window.",
		Argument: rotation.ArgumentTriggers,
	}
}

// windowClosed is the warning about a rotation that waits for rotation_window.
func windowClosed(opensAt time.Time, consequence string) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryRotationWaits,
		Cause:   fmt.Sprintf("rotation_window is closed until %s. %s", rotation.Moment(opensAt), consequence),
		World:   rotation.WorldUntouched,
		Advice: "Do one of these:\n" +
			"  - Run an apply while the window is open. It rotates the key. Without an apply, nothing is rotated.\n" +
			"  - To rotate the key at once, remove rotation_window.",
		Argument: argumentWindow,
	}
}

// rotationHeld is the warning about a rotation that waits for the place of a key that a cleanup holds.
func rotationHeld(heldKeyID string) *rotation.Problem {
	return &rotation.Problem{
		Summary: summaryWaitsForHold,
		Cause: fmt.Sprintf("A rotation is due. It waits for the end of access key %s: hold is true in a qoveryrotation_aws_access_key_cleanup, "+
			"and an IAM user can have two access keys.", heldKeyID),
		World: rotation.WorldUntouched,
		Advice: "When nothing needs that key any more, set hold = false in its cleanup, and apply. The apply after that rotates, and deletes " +
			"the key if it still exists.",
	}
}

func requestRemembered(accessKeyID string) string {
	return fmt.Sprintf("A request to rotate access key %s is remembered until then.", accessKeyID)
}

func adoptedBefore(credentialsID string) string {
	return fmt.Sprintf("If the resource is created before then, the access key of the credentials %s is adopted, and a later apply rotates it. "+
		"If it is created later, the key is rotated at once.", credentialsID)
}

func adoptedNow(accessKeyID string) string {
	return fmt.Sprintf("Access key %s was adopted, and its rotation waits until then.", accessKeyID)
}

// lastUseOf returns a sentence about the last use of a key, or nothing without a key.
func lastUseOf(key *rotation.Key) string {
	if key == nil {
		return ""
	}
	return key.LastUse.String()
}
