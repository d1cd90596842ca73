package provider

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework/list"
	"github.com/hashicorp/terraform-plugin-framework/list/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"golang.org/x/sync/errgroup"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// concurrentLookups is the maximum number of keys that a list looks up in IAM at a time.
const concurrentLookups = 20

var (
	_ list.ListResource              = (*awsCredentialsResource)(nil)
	_ list.ListResourceWithConfigure = (*awsCredentialsResource)(nil)
)

func newAWSCredentialsListResource() list.ListResource { return &awsCredentialsResource{} }

// awsCredentialsListModel is the configuration of a list.
type awsCredentialsListModel struct {
	OrganizationID types.String `tfsdk:"organization_id"`
	ClusterIDs     []string     `tfsdk:"cluster_ids"`
	MinimumAgeDays types.Int64  `tfsdk:"minimum_age_days"`
}

// ListResourceConfigSchema implements [list.ListResource].
func (r *awsCredentialsResource) ListResourceConfigSchema(
	_ context.Context, _ list.ListResourceSchemaRequest, resp *list.ListResourceSchemaResponse,
) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "Lists the credentials of a Qovery organization that have a static AWS access key, for `terraform query` in Terraform " +
			"1.14 and newer.",
		Attributes: map[string]schema.Attribute{
			"organization_id": schema.StringAttribute{
				MarkdownDescription: "UUID of the Qovery organization.",
				Required:            true,
				Validators:          []validator.String{uuidValidator},
			},
			"cluster_ids": schema.ListAttribute{
				MarkdownDescription: "UUIDs of clusters. Only credentials that one of these clusters uses are listed. Default: all credentials.",
				ElementType:         types.StringType,
				Optional:            true,
				Validators:          []validator.List{listvalidator.ValueStringsAre(uuidValidator)},
			},
			"minimum_age_days": schema.Int64Attribute{
				MarkdownDescription: "Minimum age of the access key in full days, from `1` to `36500`. A key whose age AWS does not report is " +
					"listed too, with a warning. Default: any age.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.Between(1, 36500)},
			},
		},
	}
}

// List implements [list.ListResource].
func (r *awsCredentialsResource) List(ctx context.Context, req list.ListRequest, stream *list.ListResultsStream) {
	ctx = withLogging(ctx)
	var config awsCredentialsListModel
	diags := req.Config.Get(ctx, &config)
	if diags.HasError() {
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	sets, err := r.rotator.StaticCredentials(ctx, config.OrganizationID.ValueString())
	if err != nil {
		addError(&diags, err)
		stream.Results = list.ListResultsStreamDiagnostics(diags)
		return
	}
	sets = slices.DeleteFunc(sets, func(set rotation.CredentialsSet) bool { return !config.covers(set) })
	slices.SortFunc(sets, func(a, b rotation.CredentialsSet) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})

	found := make([]listedCredentials, len(sets))
	var group errgroup.Group
	group.SetLimit(concurrentLookups)
	for i, set := range sets {
		group.Go(func() error {
			found[i] = r.examine(ctx, req.NewListResult(ctx), config.OrganizationID.ValueString(), set)
			return nil
		})
	}
	_ = group.Wait() // An error is part of its result.
	found = slices.DeleteFunc(found, func(c listedCredentials) bool {
		return !c.ageDays.IsNull() && c.ageDays.ValueInt64() < config.MinimumAgeDays.ValueInt64()
	})
	stream.Results = func(push func(list.ListResult) bool) {
		for _, credentials := range found[:min(len(found), int(req.Limit))] {
			if !push(credentials.ListResult) {
				return
			}
		}
	}
}

// covers reports whether cluster_ids is not set, or has a cluster that uses the credentials.
func (m *awsCredentialsListModel) covers(set rotation.CredentialsSet) bool {
	return m.ClusterIDs == nil || slices.ContainsFunc(set.Clusters, func(cluster rotation.Cluster) bool {
		return slices.Contains(m.ClusterIDs, cluster.ID)
	})
}

// listedCredentials are credentials in a list. The age of their key is null if AWS did not report it.
type listedCredentials struct {
	list.ListResult
	ageDays types.Int64
}

// examine completes a result with the state that an import of the credentials would have. If AWS does not show the key, the
// result has a warning, and the list still has the other credentials.
func (r *awsCredentialsResource) examine(
	ctx context.Context, result list.ListResult, organizationID string, set rotation.CredentialsSet,
) listedCredentials {
	var model awsCredentialsModel
	diags := &result.Diagnostics
	diags.Append(setImported(ctx, result.Resource, organizationID, set.ID)...)
	diags.Append(result.Resource.Get(ctx, &model)...)
	diags.Append(result.Identity.Set(ctx, model.identity())...)
	intent := model.intent()
	intent.Record = model.record(nil)
	record, warning, err := r.rotator.Refresh(ctx, intent)
	if err != nil {
		record, warning = &rotation.Record{AccessKeyID: set.AccessKeyID}, rotation.AsProblem(err)
	} else {
		model.setRecord(record, time.Time{}, r.rotator.Now())
		diags.Append(result.Resource.Set(ctx, &model)...)
	}
	if warning != nil {
		addWarning(diags, listedAnyway(set, warning))
	}
	listed, age := listedCredentials{result, types.Int64Null()}, "age unknown"
	if !record.AccessKeyCreatedAt.IsZero() {
		listed.ageDays = ageDays(rotation.AccessKey{CreatedAt: record.AccessKeyCreatedAt}, r.rotator.Now())
		age = fmt.Sprintf("%d days", listed.ageDays.ValueInt64())
	}
	listed.DisplayName = fmt.Sprintf("%s, key %s, %s", set.Name, record.AccessKeyID, age)
	return listed
}
