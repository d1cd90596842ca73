package provider

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var (
	_ datasource.DataSource              = (*awsCredentialsDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*awsCredentialsDataSource)(nil)
)

type awsCredentialsDataSource struct{ *clients }

func newAWSCredentialsDataSource() datasource.DataSource { return &awsCredentialsDataSource{} }

// awsCredentialsDataSourceModel is the configuration and the result of the data source.
type awsCredentialsDataSourceModel struct {
	ID                      types.String          `tfsdk:"id"`
	OrganizationID          types.String          `tfsdk:"organization_id"`
	CredentialsID           types.String          `tfsdk:"credentials_id"`
	Name                    types.String          `tfsdk:"name"`
	Type                    types.String          `tfsdk:"type"`
	IAMUserName             types.String          `tfsdk:"iam_user_name"`
	AccessKeyID             types.String          `tfsdk:"access_key_id"`
	AccessKeyStatus         types.String          `tfsdk:"access_key_status"`
	AccessKeyCreatedAt      timetypes.RFC3339     `tfsdk:"access_key_created_at"`
	AccessKeyAgeDays        types.Int64           `tfsdk:"access_key_age_days"`
	AccessKeyLastUsedAt     timetypes.RFC3339     `tfsdk:"access_key_last_used_at"`
	AccessKeyLastUsedFor    types.String          `tfsdk:"access_key_last_used_service"`
	AccessKeyLastUsedRegion types.String          `tfsdk:"access_key_last_used_region"`
	OtherAccessKeys         []otherAccessKeyModel `tfsdk:"other_access_keys"`
	Clusters                []clusterModel        `tfsdk:"clusters"`
	Holders                 []holderModel         `tfsdk:"holders"`
}

type otherAccessKeyModel struct {
	ID              types.String      `tfsdk:"id"`
	Status          types.String      `tfsdk:"status"`
	CreatedAt       timetypes.RFC3339 `tfsdk:"created_at"`
	AgeDays         types.Int64       `tfsdk:"age_days"`
	LastUsedAt      timetypes.RFC3339 `tfsdk:"last_used_at"`
	LastUsedService types.String      `tfsdk:"last_used_service"`
	LastUsedRegion  types.String      `tfsdk:"last_used_region"`
}

type clusterModel struct {
	ID     types.String `tfsdk:"id"`
	Name   types.String `tfsdk:"name"`
	Region types.String `tfsdk:"region"`
	Status types.String `tfsdk:"status"`
}

type holderModel struct {
	Kind        types.String `tfsdk:"kind"`
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	AccessKeyID types.String `tfsdk:"access_key_id"`
}

// Metadata implements [datasource.DataSource].
func (d *awsCredentialsDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_aws_credentials"
}

// Schema implements [datasource.DataSource].
func (d *awsCredentialsDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	text := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true}
	}
	moment := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Computed: true, CustomType: timetypes.RFC3339Type{}}
	}
	number := func(description string) schema.Int64Attribute {
		return schema.Int64Attribute{MarkdownDescription: description, Computed: true}
	}
	list := func(description string, attributes map[string]schema.Attribute) schema.ListNestedAttribute {
		return schema.ListNestedAttribute{
			MarkdownDescription: description,
			Computed:            true,
			NestedObject:        schema.NestedAttributeObject{Attributes: attributes},
		}
	}
	id := func(description string) schema.StringAttribute {
		return schema.StringAttribute{MarkdownDescription: description, Required: true, Validators: []validator.String{uuidValidator}}
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Reads a Qovery credentials set and its AWS access key, for `check` blocks, postconditions and reports.",
		Attributes: map[string]schema.Attribute{
			"id":              text("`<organization_id>/<credentials_id>`."),
			"organization_id": id("UUID of the Qovery organization."),
			"credentials_id":  id("UUID of the credentials in Qovery."),
			"name":            text("Name of the credentials in Qovery."),
			"type": text("Type of the credentials, Qovery's `object_type`: `AWS` for an access key, `AWS_ROLE` for a role, and others. For " +
				"types other than `AWS`, only `id`, `name`, `type` and `clusters` have values."),
			"iam_user_name":                text("Name of the IAM user that owns the access key. Null if the key was not found in AWS."),
			"access_key_id":                text("ID of the access key that Qovery holds."),
			"access_key_status":            text("`Active` or `Inactive`. Null if the user does not have the key."),
			"access_key_created_at":        moment("Creation time of the key in IAM, in RFC 3339."),
			"access_key_age_days":          number("Age of the key in full days."),
			"access_key_last_used_at":      moment("Time of the last request with the key, as reported by IAM, in RFC 3339. Null if the key was never used."),
			"access_key_last_used_service": text("AWS service that the key was last used for."),
			"access_key_last_used_region":  text("AWS region that the key was last used in."),
			"other_access_keys": list("Other access keys of the user, sorted by ID.", map[string]schema.Attribute{
				"id":                text("ID of the key."),
				"status":            text("`Active` or `Inactive`."),
				"created_at":        moment("Creation time of the key in IAM, in RFC 3339."),
				"age_days":          number("Age of the key in full days."),
				"last_used_at":      moment("Time of the last request with the key, in RFC 3339. Null if the key was never used."),
				"last_used_service": text("AWS service that the key was last used for."),
				"last_used_region":  text("AWS region that the key was last used in."),
			}),
			"clusters": list("Clusters that use the credentials, sorted by ID.", map[string]schema.Attribute{
				"id":     text("UUID of the cluster."),
				"name":   text("Name of the cluster."),
				"region": text("AWS region of the cluster."),
				"status": text("Status of the cluster in Qovery, such as `DEPLOYED`."),
			}),
			"holders": list("Objects of the organization that store the access key, sorted by kind and ID.", map[string]schema.Attribute{
				"kind": text("`credentials`, `container_registry`, `helm_repository`, `vsphere_credentials`, `dns_provider` or " +
					"`secret_manager_access`."),
				"id":            text("UUID of the object in Qovery."),
				"name":          text("Name of the object in Qovery."),
				"access_key_id": text("ID of the access key that it stores."),
			}),
		},
	}
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *awsCredentialsDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.clients, _ = req.ProviderData.(*clients)
}

// Read implements [datasource.DataSource].
func (d *awsCredentialsDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx = withLogging(ctx)
	var model awsCredentialsDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	found, use, err := d.rotator.Describe(ctx, rotation.Target{
		OrganizationID: model.OrganizationID.ValueString(),
		CredentialsID:  model.CredentialsID.ValueString(),
	})
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	model.set(found, use, d.rotator.Now())
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// set records what was found.
func (m *awsCredentialsDataSourceModel) set(found *rotation.Snapshot, use rotation.LastUse, now time.Time) {
	m.ID = types.StringValue(m.OrganizationID.ValueString() + "/" + m.CredentialsID.ValueString())
	m.Name, m.Type = types.StringValue(found.Set.Name), types.StringValue(found.Set.Type)
	m.OtherAccessKeys, m.Clusters, m.Holders = []otherAccessKeyModel{}, []clusterModel{}, []holderModel{}
	for _, cluster := range sortedClusters(found.ClustersOf(found.Set.ID)) {
		m.Clusters = append(m.Clusters, clusterModel{
			ID:     types.StringValue(cluster.ID),
			Name:   types.StringValue(cluster.Name),
			Region: types.StringValue(cluster.Region),
			Status: types.StringValue(found.Statuses[cluster.ID].State),
		})
	}
	if found.Set.Type != rotation.CredentialsTypeStatic {
		return
	}
	m.IAMUserName = textValue(found.Owner)
	m.AccessKeyID = types.StringValue(found.Set.AccessKeyID)
	if key := found.Current; key != nil {
		m.AccessKeyStatus, m.AccessKeyCreatedAt, m.AccessKeyAgeDays = keyStatus(key.AccessKey), timeValue(key.CreatedAt), ageDays(key.AccessKey, now)
		m.AccessKeyLastUsedAt, m.AccessKeyLastUsedFor, m.AccessKeyLastUsedRegion = timeValue(use.At), textValue(use.Service), textValue(use.Region)
	}
	for _, key := range slices.SortedFunc(slices.Values(found.Keys), func(a, b rotation.Key) int { return cmp.Compare(a.ID, b.ID) }) {
		if key.ID == found.Set.AccessKeyID {
			continue
		}
		m.OtherAccessKeys = append(m.OtherAccessKeys, otherAccessKeyModel{
			ID:              types.StringValue(key.ID),
			Status:          keyStatus(key.AccessKey),
			CreatedAt:       timeValue(key.CreatedAt),
			AgeDays:         ageDays(key.AccessKey, now),
			LastUsedAt:      timeValue(key.LastUse.At),
			LastUsedService: textValue(key.LastUse.Service),
			LastUsedRegion:  textValue(key.LastUse.Region),
		})
	}
	for _, holder := range sortedHolders(found.HoldersOf(found.Set.AccessKeyID)) {
		m.Holders = append(m.Holders, holderModel{
			Kind:        types.StringValue(string(holder.Kind)),
			ID:          types.StringValue(holder.ID),
			Name:        types.StringValue(holder.Name),
			AccessKeyID: types.StringValue(holder.AccessKeyID),
		})
	}
}

// textValue returns a string value, which is null for an empty string.
func textValue(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}

// keyStatus returns IAM's name for the status of a key.
func keyStatus(key rotation.AccessKey) types.String {
	if key.Active {
		return types.StringValue("Active")
	}
	return types.StringValue("Inactive")
}

func ageDays(key rotation.AccessKey, now time.Time) types.Int64 {
	return types.Int64Value(int64(now.Sub(key.CreatedAt) / (24 * time.Hour)))
}
