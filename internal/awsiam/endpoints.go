package awsiam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// endpointsOf returns the custom endpoints from all sources of configuration. The SDK's clients know these sources. An
// endpoint to which no secret may be sent is refused before any request. IAM's answer contains the new key, and that of STS
// the credentials of a role.
func endpointsOf(ctx context.Context, resolved aws.Config, configured Endpoints) (Endpoints, error) {
	found := Endpoints{
		IAM: cmp.Or(configured.IAM, aws.ToString(iam.NewFromConfig(resolved).Options().BaseEndpoint)),
		STS: cmp.Or(configured.STS, aws.ToString(sts.NewFromConfig(resolved).Options().BaseEndpoint)),
		EC2: cmp.Or(configured.EC2, endpointWithoutClient(ctx, resolved, "EC2")),
	}
	for _, endpoint := range []struct{ service, url string }{{"IAM", found.IAM}, {"STS", found.STS}, {"EC2", found.EC2}} {
		if endpoint.url == "" {
			continue
		}
		if _, err := rotation.ParseURL(endpoint.url); err != nil {
			return Endpoints{}, fmt.Errorf("the endpoint of %[1]s %[2]w. It comes from the provider's aws.endpoints, from AWS_ENDPOINT_URL_%[1]s or "+
				"AWS_ENDPOINT_URL, or from endpoint_url in a shared configuration file", endpoint.service, err)
		}
	}
	return found, nil
}

// endpointWithoutClient returns a service's endpoint from the environment or a shared file, as the SDK's client would find it.
func endpointWithoutClient(ctx context.Context, resolved aws.Config, service string) string {
	if ignored, _, _ := awsconfig.GetIgnoreConfiguredEndpoints(ctx, resolved.ConfigSources); ignored {
		return ""
	}
	for _, source := range resolved.ConfigSources {
		provider, ok := source.(interface {
			GetServiceBaseEndpoint(ctx context.Context, sdkID string) (string, bool, error)
		})
		if !ok {
			continue
		}
		if url, found, err := provider.GetServiceBaseEndpoint(ctx, service); found && err == nil {
			return url
		}
	}
	return aws.ToString(resolved.BaseEndpoint)
}

// errNoEC2Endpoint means that IAM or STS has a custom endpoint and EC2 has none. AWS's EC2 may not know the keys of that IAM.
var errNoEC2Endpoint = errors.New("not called: IAM or STS has a custom endpoint, but EC2 has none")

// ec2Endpoint returns the endpoint of EC2 in a region. In every partition it differs from that of STS only by the service's
// name.
func (c *Client) ec2Endpoint(ctx context.Context, region string) (string, error) {
	if c.endpoints.EC2 != "" {
		return c.endpoints.EC2, nil
	}
	if c.endpoints.IAM != "" || c.endpoints.STS != "" {
		return "", errNoEC2Endpoint
	}
	options := sts.NewFromConfig(c.config).Options().EndpointOptions
	endpoint, err := sts.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sts.EndpointParameters{
		Region:            &region,
		UseDualStack:      aws.Bool(options.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
		UseFIPS:           aws.Bool(options.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseGlobalEndpoint: aws.Bool(false),
	})
	return strings.Replace(endpoint.URI.String(), "//sts", "//ec2", 1), err
}
