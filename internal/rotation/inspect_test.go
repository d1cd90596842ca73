package rotation_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

func (s *stage) target() rotation.Target {
	return rotation.Target{OrganizationID: s.org.ID, CredentialsID: s.set.ID, UserName: s.user.Name}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	for name, userName := range map[string]string{"user name told": "qovery", "user name found": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			target := s.target()
			target.UserName = userName
			s.user.SetTag(s.journalTag(), "please keep") // not read while Qovery's key is the known one
			found, err := s.process().Inspect(t.Context(), target, s.key.ID)
			if err != nil {
				t.Fatal(err)
			}
			if found.Set.ID != s.set.ID || found.UserName != s.user.Name || len(found.Keys) != 1 || found.Journal != nil ||
				found.Current == nil || found.Current.ID != s.key.ID || !found.Current.Active {
				t.Errorf("found %+v", found)
			}
			if len(found.Holders) != 2 {
				t.Errorf("holders %v", found.Holders)
			}
			s.checkUnchanged()
		})
	}
}

func TestInspectReadsTheJournalForAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	s.writeJournal("another-run", rotation.JournalVerifying, "AKIAANOTHERRUNSKEY00", 0)
	found, err := s.process().Inspect(t.Context(), s.target(), "AKIAFORMERFORMERFORM")
	if err != nil {
		t.Fatal(err)
	}
	if found.Journal == nil || found.Journal.Owner != "another-run" || found.Journal.CredentialsID != s.set.ID {
		t.Errorf("journal %v", found.Journal)
	}
}

func TestInspectTellsWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	role := s.org.AddRoleCredentials("role")
	gone := s.org.AddCredentials("gone", s.AddUser("leaver").AddKey())
	for _, key := range s.Users("leaver") {
		key.Delete()
	}
	_ = role
	_ = gone
}

func TestInspectAsksOnceForMany(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	process := s.process()
	var waits []func()
	for range 50 {
		waits = append(waits, background(func() {
			if _, err := process.Inspect(t.Context(), s.target(), s.key.ID); err != nil {
				t.Error(err)
			}
		}))
	}
	for _, wait := range waits {
		wait()
	}
	for _, operation := range []string{
		simulator.OpListCredentials, simulator.OpListRegistries, simulator.OpListHelmRepositories, listAccessKeys,
	} {
		if got := s.sent(operation); got != 1 {
			t.Errorf("%s was sent %d times", operation, got)
		}
	}
	if got := len(s.Requests()); got != 4 {
		t.Errorf("%d requests: %v", got, s.Requests())
	}
}
