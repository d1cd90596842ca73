package qovery

import (
	"context"
	"fmt"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

type credentials struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	ObjectType  string `json:"object_type"`
	AccessKeyID string `json:"access_key_id"`
}

// check implements [answer].
func (c *credentials) check() error {
	switch {
	case c.ID == "" || c.ObjectType == "":
		return fmt.Errorf("%w: credentials without an id or a type", errIncomplete)
	case c.ObjectType == rotation.CredentialsTypeStatic && c.AccessKeyID == "":
		return fmt.Errorf("%w: credentials %s of type %s without an access key id", errIncomplete, c.ID, c.ObjectType)
	}
	return nil
}

// credentialsUse is a credentials set with the clusters that use it.
type credentialsUse struct {
	Credential credentials `json:"credential"`
	Clusters   []cluster   `json:"clusters"`
}

// check implements [answer].
func (u *credentialsUse) check() error {
	for _, cluster := range u.Clusters {
		if err := cluster.check(); err != nil {
			return err
		}
	}
	return u.Credential.check()
}

// Credentials implements [rotation.Qovery].
func (c *Client) Credentials(ctx context.Context, organizationID string) ([]rotation.CredentialsSet, error) {
	var found list[credentialsUse, *credentialsUse]
	err := c.get(ctx, "listOrganizationCredentials", organizationPath(organizationID, "credentials"), &found)
	if err != nil {
		return nil, err
	}
	sets := make([]rotation.CredentialsSet, 0, len(*found.Results))
	for _, use := range *found.Results {
		set := rotation.CredentialsSet{
			ID:          use.Credential.ID,
			Name:        use.Credential.Name,
			Type:        use.Credential.ObjectType,
			AccessKeyID: use.Credential.AccessKeyID,
		}
		for _, cluster := range use.Clusters {
			set.Clusters = append(set.Clusters, rotation.Cluster{ID: cluster.ID, Name: cluster.Name})
		}
		sets = append(sets, set)
	}
	return sets, nil
}
