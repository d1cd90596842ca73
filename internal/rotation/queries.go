package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// isListed reports whether a key is listed as compromised.
func (s *Snapshot) isListed(accessKeyID string) bool {
	return slices.Contains(s.Compromised, accessKeyID)
}

// setOf returns the credentials with an id, or nil.
func setOf(sets []CredentialsSet, credentialsID string) *CredentialsSet {
	i := slices.IndexFunc(sets, func(set CredentialsSet) bool { return set.ID == credentialsID })
	if i < 0 {
		return nil
	}
	return &sets[i]
}

// key returns a key of the user, or nil.
func (s *Snapshot) key(accessKeyID string) *Key {
	i := slices.IndexFunc(s.Keys, func(key Key) bool { return key.ID == accessKeyID })
	if i < 0 {
		return nil
	}
	return &s.Keys[i]
}

// HoldersOf returns the holders that store one of the given keys.
func (s *Snapshot) HoldersOf(accessKeyIDs ...string) []Holder {
	var found []Holder
	for _, holder := range s.Holders {
		if holder.AccessKeyID != "" && slices.Contains(accessKeyIDs, holder.AccessKeyID) {
			found = append(found, holder)
		}
	}
	return found
}

// journals are all journals on the user, with the one for these credentials first.
func (s *Snapshot) journals() []Journal {
	if s.Journal == nil {
		return s.OtherJournals
	}
	return append([]Journal{*s.Journal}, s.OtherJournals...)
}

// isHeld reports whether a journal says that a cleanup holds a key.
func (s *Snapshot) isHeld(accessKeyID string) bool {
	return slices.ContainsFunc(s.journals(), func(j Journal) bool { return j.Hold == accessKeyID })
}

// gave reports whether the credentials of a journal hold its new key.
func (s *Snapshot) gave(j Journal) bool {
	return j.To != "" && slices.ContainsFunc(s.Sets, func(set CredentialsSet) bool {
		return set.ID == j.CredentialsID && set.AccessKeyID == j.To
	})
}

// ClustersOf returns the clusters of one credentials set.
func (s *Snapshot) ClustersOf(credentialsID string) []Cluster {
	return s.clustersOf(func(set CredentialsSet) bool { return set.ID == credentialsID })
}

// clustersOf returns the clusters of the chosen credentials, as the list of clusters shows them.
func (s *Snapshot) clustersOf(chosen func(CredentialsSet) bool) []Cluster {
	var clusters []Cluster
	for _, set := range s.Sets {
		if !chosen(set) {
			continue
		}
		for _, cluster := range set.Clusters {
			if i := slices.IndexFunc(s.Clusters, func(c Cluster) bool { return c.ID == cluster.ID }); i >= 0 {
				cluster = s.Clusters[i]
			}
			clusters = append(clusters, cluster)
		}
	}
	slices.SortFunc(clusters, func(a, b Cluster) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(clusters, func(a, b Cluster) bool { return a.ID == b.ID })
}

// clustersOfHolders are the clusters whose deployments may use one of the given holders. If a holder belongs to no cluster, all
// clusters may use it.
func (s *Snapshot) clustersOfHolders(holderIDs []string) []Cluster {
	var clusters []Cluster
	for _, holder := range s.Holders {
		switch {
		case !slices.Contains(holderIDs, holder.ID):
		case holder.Kind == HolderCredentials:
			clusters = append(clusters, s.ClustersOf(holder.ID)...)
		case holder.ClusterID != "":
			clusters = append(clusters, Cluster{ID: holder.ClusterID, Name: holder.ClusterName})
		default:
			return s.Clusters
		}
	}
	return clusters
}

// deploymentsOn are the deployments of environments on some clusters.
func (s *Snapshot) deploymentsOn(clusters []Cluster) []EnvironmentDeployment {
	return slices.DeleteFunc(slices.Clone(s.Deployments), func(deployment EnvironmentDeployment) bool {
		return !slices.ContainsFunc(clusters, func(cluster Cluster) bool { return cluster.ID == deployment.ClusterID })
	})
}

// sharedClusters are the clusters of the credentials, and of others that hold the same key.
func (s *Snapshot) sharedClusters() []Cluster {
	return s.clustersOf(func(set CredentialsSet) bool {
		return s.Set != nil && (set.ID == s.Set.ID || set.AccessKeyID == s.Set.AccessKeyID)
	})
}

// accountOf is the account in an ARN. It is empty if there is none.
func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}

// String is the cluster as texts for users name it.
func (c Cluster) String() string { return fmt.Sprintf("cluster %q (%s)", c.Name, c.ID) }

// String is the deployment as texts for users name it.
func (d EnvironmentDeployment) String() string {
	return fmt.Sprintf("environment %q (%s) of project %q on cluster %q", d.Environment, d.EnvironmentID, d.Project, d.ClusterName)
}
