package rotation

import (
	"slices"
	"testing"
	"time"
)

func ids(holders []Holder) (ids []string) {
	for _, holder := range holders {
		ids = append(ids, holder.ID)
	}
	return ids
}

func clusterIDs(clusters []Cluster) (ids []string) {
	for _, cluster := range clusters {
		ids = append(ids, cluster.ID)
	}
	return ids
}

// crowded is a situation in which every kind of holder has key A.
func crowded() *situation {
	s := newSituation()
	s.credentials("others", keyA)
	s.credentials("far", keyX)
	s.stored(HolderContainerRegistry, "registry", keyA)
	s.stored(HolderHelmRepository, "charts", keyA)
	s.stored(HolderDNSProvider, "dns", keyA)
	s.stored(HolderSecretManager, "secrets", keyA)
	s.stored(HolderContainerRegistry, "keyless", "")
	return s
}

func TestHoldersOf(t *testing.T) {
	s := crowded()
	for name, test := range map[string]struct {
		got  []Holder
		want []string
	}{
		"one key":    {s.HoldersOf(keyA), []string{testCreds, "others", "registry", "charts", "dns", "secrets"}},
		"two keys":   {s.HoldersOf(keyX, keyB, keyA), []string{testCreds, "others", "far", "registry", "charts", "dns", "secrets"}},
		"no key":     {s.HoldersOf(), nil},
		"empty key":  {s.HoldersOf(""), nil},
		"listed":     {listedHolders(s.HoldersOf(keyA)), []string{testCreds, "others", "registry", "charts"}},
		"of nobody":  {s.HoldersOf(keyC), nil},
		"of a third": {s.HoldersOf(keyX), []string{"far"}},
	} {
		if got := ids(test.got); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestCredentialsHolders(t *testing.T) {
	got := credentialsHolders([]CredentialsSet{
		{ID: "1", Name: "static", Type: CredentialsTypeStatic, AccessKeyID: keyA},
		{ID: "2", Name: "role", Type: "AWS_ROLE"},
		{ID: "3", Name: "datacenter", Type: "EKS_ANYWHERE_VSPHERE", AccessKeyID: keyA},
	})
	want := []Holder{
		{Kind: HolderCredentials, ID: "1", Name: "static", AccessKeyID: keyA},
		{Kind: HolderVSphereCredentials, ID: "3", Name: "datacenter", AccessKeyID: keyA, Obstacle: got[1].Obstacle},
	}
	if !slices.Equal(got, want) || got[1].Obstacle == "" {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestClustersOf(t *testing.T) {
	s := crowded()
	// One cluster is shared by two sets, and the list of clusters does not have it yet.
	fresh := Cluster{ID: "a-fresh-one"}
	s.Sets[0].Clusters = append(s.Sets[0].Clusters, fresh)
	s.Sets[1].Clusters = append(s.Sets[1].Clusters, fresh, Cluster{ID: "cluster-of-" + testCreds})
	if got, want := clusterIDs(s.ClustersOf(testCreds)), []string{"a-fresh-one", "cluster-of-creds"}; !slices.Equal(got, want) {
		t.Errorf("clusters of the credentials %v, want %v", got, want)
	}
	if got := s.ClustersOf(testCreds)[1].Region; got != "eu-west-3" {
		t.Errorf("the region is %q: the list of clusters was not asked", got)
	}
	v := view{now: testNow, Intent: s.Intent, Snapshot: s.Snapshot}
	for rotates, want := range map[bool][]string{
		true: {"a-fresh-one", "cluster-of-creds", "cluster-of-others"}, false: {"a-fresh-one", "cluster-of-creds"},
	} {
		if v.RotateRegistries = rotates; !slices.Equal(clusterIDs(v.clusters()), want) {
			t.Errorf("clusters to deploy %v, want %v", clusterIDs(v.clusters()), want)
		}
	}
	if got := s.ClustersOf("nobody's"); len(got) > 0 {
		t.Errorf("clusters of nobody: %v", got)
	}
}

func TestJournalsOfASnapshot(t *testing.T) {
	s := newSituation()
	if got := s.journals(); len(got) > 0 {
		t.Errorf("journals %v", got)
	}
	s.otherJournal(StageCreating, "", testNow)
	s.journal(StageVerifying, keyB, testNow)
	if got := s.journals(); len(got) != 2 || got[0].CredentialsID != testCreds || got[1].CredentialsID != "others" {
		t.Errorf("journals %v", got)
	}
}

func TestGave(t *testing.T) {
	s := newSituation()
	s.credentials("others", keyB)
	for name, test := range map[string]struct {
		journal Journal
		want    bool
	}{
		"they hold its key":   {journalOf("others", StageDeploying, keyB, testNow), true},
		"they hold another":   {journalOf(testCreds, StageDeploying, keyB, testNow), false},
		"it has no key":       {journalOf("others", StageCreating, "", testNow), false},
		"they are gone":       {journalOf("gone", StageDeploying, keyB, testNow), false},
		"the journal is dead": {journalOf("others", StageStoring, keyB, ago(time.Hour)), true},
	} {
		if got := s.gave(test.journal); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

func TestAccountOf(t *testing.T) {
	for arn, want := range map[string]string{
		testARN: "123456789012", "arn:aws-cn:iam::123456789012:user/path/qovery": "123456789012", "": "", "qovery": "", "arn:aws:iam::": "",
	} {
		if got := accountOf(arn); got != want {
			t.Errorf("account of %q: %q, want %q", arn, got, want)
		}
	}
}

func TestNamesForPeople(t *testing.T) {
	for got, want := range map[string]string{
		Holder{Kind: HolderSecretManager, ID: "1", Name: "secrets"}.String(): `secret manager access "secrets" (1)`,
		Cluster{ID: "1", Name: "prod"}.String():                              `cluster "prod" (1)`,
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestRotatable(t *testing.T) {
	for kind, want := range map[HolderKind]bool{
		HolderCredentials: true, HolderContainerRegistry: true, HolderHelmRepository: true, HolderDNSProvider: true,
		HolderVSphereCredentials: false, HolderSecretManager: false, "new": false,
	} {
		if got := (Holder{Kind: kind}).rotatable(); got != want {
			t.Errorf("%s: %t, want %t", kind, got, want)
		}
		if (Holder{Kind: kind, Obstacle: "it has an unknown field"}).rotatable() {
			t.Errorf("%s with an obstacle can be rotated", kind)
		}
	}
}

func TestForecast(t *testing.T) {
	s := crowded()
	s.status("cluster-of-others", "STOPPED")
	s.IgnoredHolders = []string{"dns"}
	for rotates, want := range map[bool]struct{ served, left, deployed []string }{
		true:  {[]string{testCreds, "others", "registry", "charts"}, []string{"secrets"}, []string{"cluster-of-creds"}},
		false: {[]string{testCreds}, []string{"others", "registry", "charts", "secrets"}, []string{"cluster-of-creds"}},
	} {
		s.RotateRegistries = rotates
		f := s.Forecast(s.Intent, Decision{Action: ActionRotate})
		if !slices.Equal(ids(f.Served), want.served) || !slices.Equal(ids(f.LeftBehind), want.left) ||
			!slices.Equal(clusterIDs(f.Deployed), want.deployed) || f.DeletedFirst != nil {
			t.Errorf("with rotate_registries = %t: %+v", rotates, f)
		}
	}
}

func TestForecastOfARepair(t *testing.T) {
	s := newSituation()
	s.stale(ago(testDrain))
	s.stored(HolderHelmRepository, "charts", keyB)
	f := s.Forecast(s.Intent, Next(testNow, s.Intent, s.Snapshot))
	if got, want := ids(f.Served), []string{"registry", testCreds, "charts"}; !slices.Equal(got, want) {
		t.Errorf("served %v, want %v", got, want)
	}
	if got, want := ids(f.Stale), []string{"registry"}; !slices.Equal(got, want) || f.DeletedFirst == nil {
		t.Errorf("stale %v, want %v; deleted first %s", got, want, f.DeletedFirst)
	}
}
