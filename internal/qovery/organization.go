package qovery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// errIncomplete means that an answer lacks a field that every such answer has.
var errIncomplete = errors.New("incomplete response")

// errNoResults means that an answer has no list of results, not even an empty one.
var errNoResults = fmt.Errorf("%w: results are missing", errIncomplete)

// list is Qovery's answer with many objects.
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

// organizationPath returns the path of an organization, or of an object in it.
func organizationPath(organizationID string, segments ...string) string {
	return pathOf(append([]string{"organization", organizationID}, segments...)...)
}

// pathOf returns the path with the given segments.
func pathOf(segments ...string) string {
	var path strings.Builder
	for _, segment := range segments {
		path.WriteString("/" + url.PathEscape(segment))
	}
	return path.String()
}
