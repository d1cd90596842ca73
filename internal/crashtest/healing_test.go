package crashtest

import (
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// heal applies until Terraform is content, retires the old key, and checks what has come of it. It returns how many applies
// the rotation took.
func (s *scene) heal(st *stage, lost loss) (applies int) {
	s.t.Helper()
	s.tolerateNextRepair()
	r, repairs := s.apply(), 0
	applies = 1
	mended := lost == theJournal && (r.says(rotation.SummaryForeignKey) || r.exitCode == 0 && len(s.leftBehind()) > 0)
	if mended {
		s.mendByHand()
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
	case extra == 1 && (lost != nothing || st.leaks): // A creation begins where nothing is left of a rotation, and a leak is repaired at once.
		keys = 2
	case extra == -1 && mended: // What a person mended needs no repair.
		keys = 1
	case extra != 0:
		s.t.Errorf("%d cutovers, want %d", s.cutovers(), st.cutovers+repairs)
	}
	s.expectSettled(keys)
	s.expectEmptyPlan()
	s.expectRetirement()
	return applies
}

// expectRetirement checks that the apply after the drain window retires the previous key, and that nothing is left to do.
func (s *scene) expectRetirement() {
	s.t.Helper()
	s.Clock().Advance(afterDrain)
	s.mustApply()
	s.expectSettled(1)
	s.expectDrained()
	s.expectNoJournal()
	// Another workspace may retire a key that leaked before this one hears of the rotation.
	missed := len(s.compromised) > 0 && s.attribute(cleanupAddress, "access_key_id") == ""
	if got := s.attribute(cleanupAddress, "status"); got != string(rotation.StatusDeleted) && !missed {
		s.t.Errorf("the status of the cleanup is %q", got)
	}
	s.expectEmptyPlan()
}

// expectLater checks that an apply failed for the only reason that another one does not put right at once: the secret was lost
// between two holders. Those that were left behind get another key after the drain window.
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
