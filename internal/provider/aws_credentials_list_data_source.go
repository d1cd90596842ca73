package provider

import (
	"cmp"
	"context"
	"slices"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

var (
	_ datasource.DataSource              = (*awsCredentialsListDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*awsCredentialsListDataSource)(nil)
)

type awsCredentialsListDataSource struct{ *clients }

func newAWSCredentialsListDataSource() datasource.DataSource { return &awsCredentialsListDataSource{} }

// awsCredentialsListDataSourceModel is the configuration and the result of the data source.
type awsCredentialsListDataSourceModel struct {
	ID             types.String             `tfsdk:"id"`
	OrganizationID types.String             `tfsdk:"organization_id"`
	IDs            []types.String           `tfsdk:"ids"`
	Credentials    []credentialsListElement `tfsdk:"credentials"`
}

type credentialsListElement struct {
	ID          types.String   `tfsdk:"id"`
	Name        types.String   `tfsdk:"name"`
	AccessKeyID types.String   `tfsdk:"access_key_id"`
	ClusterIDs  []types.String `tfsdk:"cluster_ids"`
}

// Metadata implements [datasource.DataSource].
func (d *awsCredentialsListDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_aws_credentials_list"
}

// Schema implements [datasource.DataSource].
func (d *awsCredentialsListDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the credentials of a Qovery organization that have a static AWS access key, for use with `for_each`.",
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{MarkdownDescription: "The `organization_id`.", Computed: true},
			"organization_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the Qovery organization.",
				Required:            true,
				Validators:          []validator.String{uuidValidator},
			},
			"ids": schema.SetAttribute{
				MarkdownDescription: "UUIDs of the credentials, for use in `for_each`.",
				ElementType:         types.StringType,
				Computed:            true,
			},
			"credentials": schema.ListNestedAttribute{
				MarkdownDescription: "Credentials, sorted by ID.",
				Computed:            true,
				NestedObject: schema.NestedAttributeObject{Attributes: map[string]schema.Attribute{
					"id":            schema.StringAttribute{MarkdownDescription: "UUID of the credentials.", Computed: true},
					"name":          schema.StringAttribute{MarkdownDescription: "Name of the credentials.", Computed: true},
					"access_key_id": schema.StringAttribute{MarkdownDescription: "ID of the access key that they hold.", Computed: true},
					"cluster_ids": schema.ListAttribute{
						MarkdownDescription: "UUIDs of the clusters that use them, sorted.",
						ElementType:         types.StringType,
						Computed:            true,
					},
				}},
			},
		},
	}
}

// Configure implements [datasource.DataSourceWithConfigure].
func (d *awsCredentialsListDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, _ *datasource.ConfigureResponse) {
	d.clients, _ = req.ProviderData.(*clients)
}

// Read implements [datasource.DataSource].
func (d *awsCredentialsListDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	ctx = withLogging(ctx)
	var model awsCredentialsListDataSourceModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &model)...)
	if resp.Diagnostics.HasError() {
		return
	}
	sets, err := d.rotator.StaticCredentials(ctx, model.OrganizationID.ValueString())
	if err != nil {
		addError(&resp.Diagnostics, err)
		return
	}
	model.set(sets)
	resp.Diagnostics.Append(resp.State.Set(ctx, &model)...)
}

// set records what was found, sorted by id, because Qovery guarantees no order.
func (m *awsCredentialsListDataSourceModel) set(sets []rotation.CredentialsSet) {
	m.ID = m.OrganizationID
	m.IDs, m.Credentials = []types.String{}, []credentialsListElement{}
	for _, set := range slices.SortedFunc(slices.Values(sets), func(a, b rotation.CredentialsSet) int { return cmp.Compare(a.ID, b.ID) }) {
		element := credentialsListElement{
			ID:          types.StringValue(set.ID),
			Name:        types.StringValue(set.Name),
			AccessKeyID: types.StringValue(set.AccessKeyID),
			ClusterIDs:  []types.String{},
		}
		for _, cluster := range sortedClusters(set.Clusters) {
			element.ClusterIDs = append(element.ClusterIDs, types.StringValue(cluster.ID))
		}
		m.IDs = append(m.IDs, element.ID)
		m.Credentials = append(m.Credentials, element)
	}
}
