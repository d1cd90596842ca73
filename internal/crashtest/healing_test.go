package crashtest

import (
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// heal applies until Terraform is content, retires the old key, and checks what has come of it. It returns how many applies
// the rotation took.
func (s *scene) heal(st *stage, lost loss) (applies int) {
	s.t.Helper()
	if st.behind {
		s.tolerateRepair() // A repair that was cut off leaves holders with a key of its own.
	}
	r, repairs := s.apply(), 0
	applies = 1
	if lost == theJournal && r.exitCode != 0 && r.says(rotation.SummaryForeignKey) {
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
	if extra < 0 || extra > 1 || extra > 0 && lost == nothing {
		s.t.Errorf("%d cutovers, want %d", s.cutovers(), st.cutovers+repairs)
	}
	if extra > 0 {
		keys = 2
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
	if got := s.attribute(cleanupAddress, "status"); got != string(rotation.StatusDeleted) {
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
