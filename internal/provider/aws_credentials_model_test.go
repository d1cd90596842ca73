package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

func TestRefresh(t *testing.T) {
	t.Parallel()
	const (
		current  = "AKIACURRENT000000000"
		previous = "AKIAPREVIOUS00000000"
		another  = "AKIAANOTHER000000000"
	)
	cutoverAt := now.Add(-time.Minute)
	key := func(id string) rotation.AccessKey {
		return rotation.AccessKey{ID: id, Active: true, CreatedAt: createdAt}
	}
	for _, test := range []struct {
		name  string
		state func(m *awsCredentialsModel)
		// held is Qovery's key, and keys are the user's.
		held    string
		keys    []rotation.AccessKey
		journal *rotation.Journal
		// wantPrevious, phase and rotatedAt are those of the state afterwards.
		wantPrevious, phase string
		rotatedAt           time.Time
		warning             []string
	}{
		{
			name: "as known", held: current, keys: []rotation.AccessKey{key(current), key(previous)},
			wantPrevious: previous, phase: phaseDrained, rotatedAt: createdAt.Add(15 * time.Second),
		},
		{
			name:  "as known, with a window that is not over",
			state: func(m *awsCredentialsModel) { m.DrainEndsAt = timeValue(now.Add(time.Second)) },
			held:  current, keys: []rotation.AccessKey{key(current), key(previous)},
			wantPrevious: previous, phase: phaseDraining, rotatedAt: createdAt.Add(15 * time.Second),
		},
		{
			name:  "unfinished",
			state: func(m *awsCredentialsModel) { m.Phase = types.StringValue(phaseDeploying) },
			held:  current, keys: []rotation.AccessKey{key(current), key(previous)},
			wantPrevious: previous, phase: phaseDeploying, rotatedAt: createdAt.Add(15 * time.Second),
		},
		{
			name: "rotated by a run whose state was lost", held: another, keys: []rotation.AccessKey{key(current), key(another)},
			journal:      &rotation.Journal{From: current, To: another, CutoverAt: cutoverAt},
			wantPrevious: current, phase: phaseDeploying, rotatedAt: cutoverAt,
		},
		{
			name: "replaced by hand", held: another, keys: []rotation.AccessKey{key(current), key(another)},
			wantPrevious: current, phase: phaseDeploying,
			warning: []string{summaryKeyReplaced, another + " in place of " + current, `IAM user "qovery" has both keys`},
		},
		{
			name: "replaced by hand, with the journal of an attempt that was rolled back", held: another,
			keys:         []rotation.AccessKey{key(current), key(another)},
			journal:      &rotation.Journal{From: current, To: previous},
			wantPrevious: current, phase: phaseDeploying,
			warning: []string{summaryKeyReplaced},
		},
		{
			name: "put back", held: previous, keys: []rotation.AccessKey{key(previous)},
			phase: phaseStable,
		},
		{
			name: "replaced by hand without a trace of the keys before", held: another, keys: []rotation.AccessKey{key(another)},
			phase: phaseStable,
		},
		{
			name: "Inactive", held: current, keys: []rotation.AccessKey{{ID: current, CreatedAt: createdAt}},
			wantPrevious: previous, phase: phaseDrained, rotatedAt: createdAt.Add(15 * time.Second),
			warning: []string{summaryCutOffNow, current, "Inactive or does not exist"},
		},
		{
			name: "gone", held: current,
			wantPrevious: previous, phase: phaseDrained, rotatedAt: createdAt.Add(15 * time.Second),
			warning: []string{summaryCutOffNow, current},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := testState()
			if test.state != nil {
				test.state(&m)
			}
			found := &rotation.Inspection{
				Set:      rotation.CredentialsSet{AccessKeyID: test.held, Clusters: []rotation.Cluster{{ID: "b"}, {ID: "a"}}},
				UserName: "qovery", Keys: test.keys, Journal: test.journal,
				Holders: []rotation.Holder{{Kind: rotation.HolderHelmRepository, ID: "a"}, {Kind: rotation.HolderCredentials, ID: "b"}},
			}
			for i, key := range test.keys {
				if key.ID == test.held {
					found.Current = &test.keys[i]
				}
			}
			summary, detail := m.refresh(found, now)

			if got := m.AccessKeyID.ValueString(); got != test.held {
				t.Errorf("the current key is %s, want %s", got, test.held)
			}
			if got := m.PreviousAccessKeyID; got.ValueString() != test.wantPrevious || test.wantPrevious == "" && !got.IsNull() {
				t.Errorf("the previous key is %s, want %q", got, test.wantPrevious)
			}
			if got := m.Phase.ValueString(); got != test.phase {
				t.Errorf("the phase is %s, want %s", got, test.phase)
			}
			if got := timeOf(m.RotatedAt); !got.Equal(test.rotatedAt) {
				t.Errorf("rotated_at is %s, want %s", got, test.rotatedAt)
			}
			if m.AccessKeyCreatedAt.IsNull() != (found.Current == nil) {
				t.Errorf("access_key_created_at is %s", m.AccessKeyCreatedAt)
			}
			for _, fact := range test.warning {
				if !strings.Contains(summary+detail, fact) {
					t.Errorf("the warning %q does not say %q", summary+": "+detail, fact)
				}
			}
			if len(test.warning) == 0 && summary != "" {
				t.Errorf("there is a warning: %s", summary)
			}
			ids := types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringValue("b")})
			if !m.ClusterIDs.Equal(ids) {
				t.Errorf("the clusters are %s, want %s", m.ClusterIDs, ids)
			}
			if first, ok := m.Holders.Elements()[0].(types.Object); !ok || !first.Attributes()["kind"].Equal(types.StringValue("credentials")) {
				t.Errorf("the first holder is %s, want that of the first kind", m.Holders.Elements()[0])
			}
		})
	}
}

func TestTimeValue(t *testing.T) {
	t.Parallel()
	paris := time.FixedZone("CEST", 2*60*60)
	got := timeValue(time.Date(2027, time.April, 4, 11, 0, 0, 999, paris))
	if want := "2027-04-04T09:00:00Z"; got.ValueString() != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if back, want := timeOf(got), time.Date(2027, time.April, 4, 9, 0, 0, 0, time.UTC); !back.Equal(want) {
		t.Errorf("got %s back, want %s", back, want)
	}
	for name, value := range map[string]timetypes.RFC3339{
		"zero": timeValue(time.Time{}), "null": timetypes.NewRFC3339Null(), "unknown": timetypes.NewRFC3339Unknown(),
	} {
		if back := timeOf(value); !back.IsZero() {
			t.Errorf("%s: got %s, want no time", name, back)
		}
	}
}

func TestStringsOf(t *testing.T) {
	t.Parallel()
	known := types.SetValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringUnknown()})
	if got := stringsOf(known); len(got) != 1 || got[0] != "a" {
		t.Errorf("got %q, want the known string only", got)
	}
	for _, set := range []types.Set{types.SetNull(types.StringType), types.SetUnknown(types.StringType)} {
		if got := stringsOf(set); len(got) != 0 {
			t.Errorf("got %q of %s", got, set)
		}
	}
}
