package rotation

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// credentialsHolders are the credentials that store an AWS access key, as holders.
func credentialsHolders(sets []CredentialsSet) []Holder {
	holders := make([]Holder, 0, len(sets))
	for _, set := range sets {
		if set.AccessKeyID == "" {
			continue
		}
		holder := Holder{Kind: HolderCredentials, ID: set.ID, Name: set.Name, AccessKeyID: set.AccessKeyID}
		if set.Type != CredentialsTypeStatic {
			holder.Kind, holder.Obstacle = HolderVSphereCredentials, "Qovery requires the vSphere password with every change and does not show it"
		}
		holders = append(holders, holder)
	}
	return holders
}

// listedHolders are the holders that Qovery lists for a whole organization. Only these are recorded, because a refresh reads no
// others.
func listedHolders(holders []Holder) []Holder {
	return slices.DeleteFunc(slices.Clone(holders), func(h Holder) bool {
		return h.Kind == HolderDNSProvider || h.Kind == HolderSecretManager
	})
}

// rotatable reports whether a rotation can put a new key into the holder.
func (h Holder) rotatable() bool {
	kinds := []HolderKind{HolderCredentials, HolderContainerRegistry, HolderHelmRepository, HolderDNSProvider}
	return h.Obstacle == "" && slices.Contains(kinds, h.Kind)
}

// ignoredRegistries are the ignored registries with the key that came with a cluster. Every deployment uses them, so they
// cannot keep the key.
func (v view) ignoredRegistries() []Holder {
	return slices.DeleteFunc(v.HoldersOf(v.Set.AccessKeyID), func(h Holder) bool {
		return h.ClusterID == "" || !slices.Contains(v.IgnoredHolders, h.ID)
	})
}

// unrotatableHolders are the holders with the key that cannot be given another one and are not ignored.
func (v view) unrotatableHolders() []Holder {
	if v.HoldersUnknown {
		return nil
	}
	return slices.DeleteFunc(v.HoldersOf(v.Set.AccessKeyID), func(h Holder) bool {
		return h.rotatable() || slices.Contains(v.IgnoredHolders, h.ID)
	})
}

// String is the holder as texts for users name it, with what uses it if Qovery shows that.
func (h Holder) String() string {
	facts := []string{h.ID}
	if h.ClusterID != "" {
		facts = append(facts, fmt.Sprintf("cluster %q", cmp.Or(h.ClusterName, h.ClusterID)))
	}
	switch h.Services {
	case 0:
	case 1:
		facts = append(facts, "1 service")
	default:
		facts = append(facts, fmt.Sprintf("%d services", h.Services))
	}
	return fmt.Sprintf("%s %q (%s)", strings.ReplaceAll(string(h.Kind), "_", " "), h.Name, strings.Join(facts, "; "))
}
