package provider

import (
	"context"
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// awsCredentialsIdentity is the identity of a qoveryrotation_aws_credentials. It consists of the arguments that force a new
// resource, so it never changes. A state that a Terraform without identities wrote gets it with the next refresh or update.
type awsCredentialsIdentity struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	CredentialsID  types.String `tfsdk:"credentials_id"`
}

// identity returns the identity of the resource.
func (m *awsCredentialsModel) identity() awsCredentialsIdentity {
	return awsCredentialsIdentity{OrganizationID: m.OrganizationID, CredentialsID: m.CredentialsID}
}

// IdentitySchema implements [resource.ResourceWithIdentity].
func (r *awsCredentialsResource) IdentitySchema(_ context.Context, _ resource.IdentitySchemaRequest, resp *resource.IdentitySchemaResponse) {
	resp.IdentitySchema = identityschema.Schema{Attributes: map[string]identityschema.Attribute{
		"organization_id": identityschema.StringAttribute{Description: "UUID of the Qovery organization.", RequiredForImport: true},
		"credentials_id":  identityschema.StringAttribute{Description: "UUID of the AWS credentials in Qovery.", RequiredForImport: true},
	}}
}

var importIDPattern = regexp.MustCompile(`^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[/,]([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)

// parseImportID splits an import id. A comma is accepted too, because Qovery's own provider uses it.
func parseImportID(id string) (organizationID, credentialsID string, err error) {
	parts := importIDPattern.FindStringSubmatch(id)
	if parts == nil {
		return "", "", fmt.Errorf("%q is not of the form <organization_id>/<credentials_id>, two UUIDs in lowercase", id)
	}
	return parts[1], parts[2], nil
}

// ImportState implements [resource.ResourceWithImportState]. It adopts the key that is there.
func (r *awsCredentialsResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	id := req.ID
	if id == "" {
		var identity awsCredentialsIdentity
		resp.Diagnostics.Append(req.Identity.Get(ctx, &identity)...)
		id = identity.OrganizationID.ValueString() + "/" + identity.CredentialsID.ValueString()
	}
	organizationID, credentialsID, err := parseImportID(id)
	if err != nil {
		addError(&resp.Diagnostics, importIDInvalid(err))
		return
	}
	resp.Diagnostics.Append(setImported(ctx, &resp.State, organizationID, credentialsID)...)
	resp.Diagnostics.Append(resp.Identity.Set(ctx, awsCredentialsIdentity{types.StringValue(organizationID), types.StringValue(credentialsID)})...)
}

// setImported writes the ids and every default, so that a configuration without optional arguments plans no change.
func setImported(ctx context.Context, state attributeSetter, organizationID, credentialsID string) (diags diag.Diagnostics) {
	for name, value := range map[string]any{
		"id":                organizationID + "/" + credentialsID,
		"organization_id":   organizationID,
		"credentials_id":    credentialsID,
		"rotate_on_create":  true,
		"rotate_registries": true,
		"production_last":   true,
		"drain_window":      defaultDrainWindow,
	} {
		diags.Append(state.SetAttribute(ctx, path.Root(name), value)...)
	}
	return diags
}

// attributeSetter is a state, or a resource in a list.
type attributeSetter interface {
	SetAttribute(context.Context, path.Path, any) diag.Diagnostics
}
