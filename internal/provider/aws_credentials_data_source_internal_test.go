package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// Lists are sorted, so another order in the answer of an API is no change.
func TestDataSourcesHaveAnOrderOfTheirOwn(t *testing.T) {
	t.Parallel()
	clusters := []rotation.Cluster{{ID: "3"}, {ID: "1"}, {ID: "2"}}
	var one awsCredentialsDataSourceModel
	set := rotation.CredentialsSet{ID: "set", Type: rotation.CredentialsTypeStatic, AccessKeyID: "KEY", Clusters: clusters}
	one.set(&rotation.Snapshot{
		Set: &set, Sets: []rotation.CredentialsSet{set}, Clusters: clusters,
		Keys: []rotation.Key{
			{AccessKey: rotation.AccessKey{ID: "KEY2"}}, {AccessKey: rotation.AccessKey{ID: "KEY"}}, {AccessKey: rotation.AccessKey{ID: "KEY1"}},
		},
		Holders: []rotation.Holder{
			{Kind: rotation.HolderHelmRepository, ID: "1", AccessKeyID: "KEY"},
			{Kind: rotation.HolderContainerRegistry, ID: "3", AccessKeyID: "KEY"},
			{Kind: rotation.HolderContainerRegistry, ID: "2", AccessKeyID: "KEY"},
		},
	}, rotation.LastUse{}, now)
	var list awsCredentialsListDataSourceModel
	list.set([]rotation.CredentialsSet{{ID: "B"}, {ID: "A", Clusters: clusters}})

	var got []string
	for _, cluster := range one.Clusters {
		got = append(got, cluster.ID.ValueString())
	}
	for _, key := range one.OtherAccessKeys {
		got = append(got, key.ID.ValueString())
	}
	for _, holder := range one.Holders {
		got = append(got, holder.Kind.ValueString()+holder.ID.ValueString())
	}
	for _, set := range list.Credentials {
		got = append(got, set.ID.ValueString())
		for _, cluster := range set.ClusterIDs {
			got = append(got, cluster.ValueString())
		}
	}
	want := []string{"1", "2", "3", "KEY1", "KEY2", "container_registry2", "container_registry3", "helm_repository1", "A", "1", "2", "3", "B"}
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", strings.Join(got, " "), strings.Join(want, " "))
	}
}
