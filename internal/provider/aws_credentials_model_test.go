package provider

import (
	"reflect"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// The state returns the record that was written to it, without the clusters and holders. These are sorted, and only for people.
func TestSetRecord(t *testing.T) {
	t.Parallel()
	record := rotation.Record{
		UserName: "qovery", UserARN: "arn:aws:iam::123456789012:user/qovery", AccessKeyID: "AKIACURRENT000000000", AccessKeyCreatedAt: createdAt,
		PreviousAccessKeyID: "AKIAPREVIOUS00000000", RotatedAt: createdAt, DeployedAt: createdAt, DrainEndsAt: createdAt.Add(2 * time.Hour),
		Unfinished: true,
		Clusters:   []rotation.Cluster{{ID: "b"}, {ID: "a"}},
		Holders:    []rotation.Holder{{Kind: rotation.HolderHelmRepository, ID: "a"}, {Kind: rotation.HolderCredentials, ID: "b"}},
	}
	m := awsCredentialsModel{DrainWindow: types.StringValue("3h")}
	m.setRecord(&record, time.Time{}, now)
	if got := m.Phase.ValueString(); got != string(rotation.PhaseDeploying) {
		t.Errorf("the phase is %s", got)
	}
	ids := types.ListValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringValue("b")})
	if !m.ClusterIDs.Equal(ids) {
		t.Errorf("the clusters are %s, want %s", m.ClusterIDs, ids)
	}
	if first, ok := m.Holders.Elements()[0].(types.Object); !ok || !first.Attributes()["kind"].Equal(types.StringValue("credentials")) {
		t.Errorf("the first holder is %s, want that of the first kind", m.Holders.Elements()[0])
	}
	got := m.record(nil)
	record.Clusters, record.Holders, record.DrainWindow = nil, nil, 3*time.Hour
	if !reflect.DeepEqual(*got, record) {
		t.Errorf("got %+v back, want %+v", *got, record)
	}

	m.setRecord(&rotation.Record{AccessKeyID: "AKIACURRENT000000000"}, time.Time{}, now)
	if !m.PreviousAccessKeyID.IsNull() || !m.RotatedAt.IsNull() || !m.DrainEndsAt.IsNull() || m.Phase.ValueString() != string(rotation.PhaseStable) {
		t.Errorf("what nobody rotated has %s, %s, %s, %s", m.PreviousAccessKeyID, m.RotatedAt, m.DrainEndsAt, m.Phase)
	}
}

// TestIntentOfAPlan checks that an unknown argument does not count as absent.
func TestIntentOfAPlan(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		registries                           types.Bool
		holders                              types.Set
		rotates, registriesOpen, holdersOpen bool
	}{
		"known":   {types.BoolValue(false), types.SetNull(types.StringType), false, false, false},
		"unknown": {types.BoolUnknown(), types.SetUnknown(types.StringType), true, true, true},
	} {
		m := awsCredentialsModel{RotateRegistries: test.registries, IgnoredHolders: test.holders}
		if in := m.intent(); in.RotateRegistries != test.rotates || in.RegistriesUnknown != test.registriesOpen || in.HoldersUnknown != test.holdersOpen {
			t.Errorf("%s: the intent is %+v", name, in)
		}
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

func TestSetIsUnknown(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		set  types.Set
		want bool
	}{
		{types.SetNull(types.StringType), false},
		{types.SetUnknown(types.StringType), true},
		{types.SetValueMust(types.StringType, []attr.Value{types.StringValue("a")}), false},
		{types.SetValueMust(types.StringType, []attr.Value{types.StringValue("a"), types.StringUnknown()}), true},
	} {
		if got := setIsUnknown(test.set); got != test.want {
			t.Errorf("%s: got %t", test.set, got)
		}
	}
}
