package crashtest

import (
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// heal applies until an apply succeeds, retires the previous key, and checks the result. It returns the number of applies until
// then.
func (s *scene) heal(st *stage, lost loss) (applies int) {
	s.t.Helper()
	s.tolerateNextRepair()
	r, repairs := s.apply(), 0
	applies = 1
	fixed := lost == theJournal && (r.says(rotation.SummaryForeignKey) || r.exitCode == 0 && len(s.leftBehind()) > 0)
	if fixed {
		s.fixByHand()
		r = s.apply()
		applies++
	}
	if r.exitCode != 0 {
		s.expectLater(r)
		s.Clock().Advance(afterDrain)
		began := s.Clock().Now()
		s.mustApply()
		s.expectShortRepair(began)
		applies++
		repairs++
	}
	if applies > 2 {
		s.t.Errorf("it takes %d applies", applies)
	}
	keys, extra := st.keys, s.cutovers()-st.cutovers-repairs
	switch {
	case extra == 1 && (lost != nothing || st.leaks): // Without a state and a journal, a creation rotates again. A leak is repaired at once.
		keys = 2
	case extra == -1 && fixed: // After a fix by hand there is no repair.
		keys = 1
	case extra != 0:
		s.t.Errorf("%d cutovers, want %d", s.cutovers(), st.cutovers+repairs)
	}
	s.expectSettled(keys)
	s.expectEmptyPlan()
	s.expectRetirement()
	return applies
}

// expectRetirement checks that the apply after the drain window retires the previous key, and that the plan is empty then.
func (s *scene) expectRetirement() {
	s.t.Helper()
	s.Clock().Advance(afterDrain)
	s.mustApply()
	s.expectSettled(1)
	s.expectDrained()
	s.expectNoJournal()
	// Another workspace may retire a leaked key before this one learns of the rotation.
	missed := len(s.compromised) > 0 && s.attribute(cleanupAddress, "access_key_id") == ""
	if got := s.attribute(cleanupAddress, "status"); got != string(rotation.StatusDeleted) && !missed {
		s.t.Errorf("the status of the cleanup is %q", got)
	}
	s.expectEmptyPlan()
}

// expectLater checks that an apply failed for the only reason that the next apply cannot fix at once: the secret was lost
// between two holders. Stale holders get another key after the drain window.
func (s *scene) expectLater(r result) {
	s.t.Helper()
	behind := s.leftBehind()
	if len(behind) == 0 {
		s.t.Fatalf("the apply after the fault fails:\n%s", r.tail())
	}
	for _, holder := range behind {
		if !strings.Contains(r.output, holder.ID) {
			s.t.Errorf("the error does not name holder %s:\n%s", holder.ID, r.tail())
		}
	}
	s.tolerateRepair()
}
