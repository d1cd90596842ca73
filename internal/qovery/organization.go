package qovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// errIncomplete means that an answer lacks what every such answer has.
var errIncomplete = errors.New("an incomplete answer")

// errNoResults means that an answer is not a list. No list at all is not an empty list.
var errNoResults = fmt.Errorf("%w: no results", errIncomplete)

// list is how Qovery answers with many objects.
type list[T any, P interface {
	*T
	answer
}] struct {
	Results *[]T `json:"results"`
}

// check implements [answer].
func (l *list[T, P]) check() error {
	if l.Results == nil {
		return errNoResults
	}
	for i := range *l.Results {
		if err := P(&(*l.Results)[i]).check(); err != nil {
			return err
		}
	}
	return nil
}

type organization struct {
	ID                           string `json:"id"`
	Name                         string `json:"name"`
	BillingDeploymentRestriction string `json:"billing_deployment_restriction"`
}

// check implements [answer].
func (o *organization) check() error {
	if o.ID == "" {
		return fmt.Errorf("%w: an organization without an id", errIncomplete)
	}
	return nil
}

// Organization implements [rotation.Qovery].
func (c *Client) Organization(ctx context.Context, organizationID string) (rotation.Organization, error) {
	var found organization
	if err := c.get(ctx, "getOrganization", organizationPath(organizationID), &found); err != nil {
		return rotation.Organization{}, err
	}
	return rotation.Organization{
		ID:                    found.ID,
		Name:                  found.Name,
		DeploymentRestriction: found.BillingDeploymentRestriction,
	}, nil
}

// organizationPath is the path of an organization, or of something in it.
func organizationPath(organizationID string, segments ...string) string {
	return pathOf(append([]string{"organization", organizationID}, segments...)...)
}

// pathOf is the path made of the given segments.
func pathOf(segments ...string) string {
	var path strings.Builder
	for _, segment := range segments {
		path.WriteString("/" + url.PathEscape(segment))
	}
	return path.String()
}
