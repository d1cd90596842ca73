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

// endpointsOf are the addresses that take the place of AWS's own, wherever they are configured. Those to which secrets must not
// travel are refused before anything is sent there: IAM's answer has the new key in it, and that of STS the credentials of a role.
// The SDK's own clients know where the addresses come from.
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

// endpointWithoutClient is the address that the environment or a shared file has for a service, as the SDK's client would find it.
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

// errOtherAWS means that IAM or STS has an address of its own and EC2 has none.
var errOtherAWS = errors.New("not asked: IAM or STS has an address of its own, so AWS's own EC2 may be another world")

// ec2Endpoint is the address of EC2 in a region. It is that of STS but for the name of the service, in every partition.
func (c *Client) ec2Endpoint(ctx context.Context, region string) (string, error) {
	if c.endpoints.EC2 != "" {
		return c.endpoints.EC2, nil
	}
	if c.endpoints.IAM != "" || c.endpoints.STS != "" {
		return "", errOtherAWS
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
