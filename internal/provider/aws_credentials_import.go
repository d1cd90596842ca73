package provider

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

var importIDPattern = regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[/,]([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// parseImportID splits an import id. The comma is the separator of Qovery's own provider.
func parseImportID(id string) (organizationID, credentialsID string, err error) {
	parts := importIDPattern.FindStringSubmatch(id)
	if parts == nil {
		return "", "", fmt.Errorf("%q is not of the form <organization_id>/<credentials_id>, two UUIDs in lowercase", id)
	}
	return parts[1], parts[2], nil
}

// ImportState implements [resource.ResourceWithImportState]. It adopts the key that is there.
func (r *awsCredentialsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	organizationID, credentialsID, err := parseImportID(req.ID)
	if err != nil {
		resp.Diagnostics.AddError(summaryImportID, err.Error()+". Nothing was changed.")
		return
	}
	for name, value := range map[string]any{
		"id":                organizationID + "/" + credentialsID,
		"organization_id":   organizationID,
		"credentials_id":    credentialsID,
		"rotate_on_create":  true,
		"rotate_registries": true,
		"production_last":   true,
		"drain_window":      defaultDrainWindow,
	} {
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(name), value)...)
	}
}
