package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestParseImportID(t *testing.T) {
	t.Parallel()
	const organization, credentials = "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "0e37df36-f698-11e6-8dd4-cb9ced3df976"
	for _, separator := range []string{"/", ","} {
		gotOrganization, gotCredentials, err := parseImportID(organization + separator + credentials)
		if err != nil || gotOrganization != organization || gotCredentials != credentials {
			t.Errorf("got %q, %q, %v for the separator %q", gotOrganization, gotCredentials, err, separator)
		}
	}
	for _, id := range []string{
		"", "organization/credentials", organization, organization + "/", "/" + credentials, organization + credentials,
		organization + ":" + credentials, organization + "//" + credentials, organization + "/" + credentials + "/",
		" " + organization + "/" + credentials, organization + "/" + credentials + "\n", organization + "/" + credentials + "0",
		strings.ToUpper(organization) + "/" + credentials,
	} {
		if organizationID, credentialsID, err := parseImportID(id); err == nil {
			t.Errorf("%q is taken for %q and %q", id, organizationID, credentialsID)
		}
	}
}

// An accepted id has two UUIDs that the schema accepts too. An error shows an id without its control characters.
func FuzzParseImportID(f *testing.F) {
	f.Fuzz(func(t *testing.T, id string) {
		organization, credentials, err := parseImportID(id)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n\x1b") {
				t.Errorf("the error for %q has control characters", id)
			}
			return
		}
		if id != organization+"/"+credentials && id != organization+","+credentials {
			t.Errorf("%q is taken for %q and %q", id, organization, credentials)
		}
		for _, part := range []string{organization, credentials} {
			resp := &validator.StringResponse{}
			uuidValidator.ValidateString(t.Context(), validator.StringRequest{ConfigValue: types.StringValue(part)}, resp)
			if resp.Diagnostics.HasError() {
				t.Errorf("%q has %q, which is no UUID", id, part)
			}
		}
	})
}
