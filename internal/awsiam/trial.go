package awsiam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/hashicorp/terraform-plugin-log/tflog"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// signing returns the credentials of a new key. They sign only the requests that try the key.
func signing(key rotation.NewAccessKey) aws.Credentials {
	return aws.Credentials{AccessKeyID: key.ID, SecretAccessKey: key.Secret.Reveal()}
}

func signingWith(key rotation.NewAccessKey) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return signing(key), nil })
}

// CallerARN implements [rotation.IAM]. It does not repeat the request: the caller does while it waits for the key to work.
func (c *Client) CallerARN(ctx context.Context, key rotation.NewAccessKey, region string) (string, error) {
	identity, err := c.callerIdentity(ctx, func(o *sts.Options) {
		o.Credentials, o.Retryer = signingWith(key), aws.NopRetryer{}
		if region != "" {
			o.Region = region
		}
	})
	return aws.ToString(identity.Arn), err
}

// TryKey implements [rotation.IAM]. Like CallerARN it does not repeat the request. The answers are as small as possible.
func (c *Client) TryKey(ctx context.Context, key rotation.NewAccessKey, service rotation.Service, region string) error {
	if service == rotation.ServiceEC2 {
		return c.describeRegions(ctx, key, region)
	}
	_, err := do(ctx, "ListAccountAliases", func(ctx context.Context) (*iam.ListAccountAliasesOutput, error) {
		return c.iam.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{MaxItems: aws.Int32(1)}, func(o *iam.Options) {
			o.Credentials, o.Retryer = signingWith(key), aws.NopRetryer{}
		})
	})
	return err
}

const (
	describeRegions = "ec2:DescribeRegions"
	// maxEC2Answer is far more than the size of an answer about one region.
	maxEC2Answer = 1 << 16
)

// ec2Answer is an answer of EC2. The root element of a success is named after the action.
type ec2Answer struct {
	XMLName   xml.Name
	Code      string `xml:"Errors>Error>Code"`
	Message   string `xml:"Errors>Error>Message"`
	RequestID string `xml:"RequestID"`
}

// describeRegions asks EC2 for the name of a region. It uses no SDK client, which would make the executable half as large
// again.
func (c *Client) describeRegions(ctx context.Context, key rotation.NewAccessKey, region string) error {
	if region == "" {
		region = c.config.Region
	}
	start := time.Now()
	status, answer, err := c.askEC2(ctx, key, region, url.Values{
		"Action": {"DescribeRegions"}, "Version": {"2016-11-15"}, "RegionName.1": {region},
	})
	fields := map[string]any{"action": describeRegions, "elapsed": time.Since(start).String(), "region": region, "status": status}
	failure := &Error{Action: describeRegions, Code: answer.Code, Message: answer.Message, RequestID: answer.RequestID}
	switch {
	case err != nil:
		failure.Message, failure.cause = err.Error(), ctx.Err()
	case status == http.StatusOK && answer.XMLName.Local == "DescribeRegionsResponse":
		tflog.SubsystemDebug(ctx, LogSubsystem, "Called the AWS API", fields)
		return nil
	case answer.Code == "":
		failure.Message = fmt.Sprintf("HTTP %d, but the response is not from EC2", status)
	default:
		failure.cause = definite(describeRegions, answer.Code, status)
	}
	fields["error"] = failure.Error()
	tflog.SubsystemDebug(ctx, LogSubsystem, "Called the AWS API", fields)
	return failure
}

// askEC2 sends a signed request to EC2. It returns an empty answer if the body is not EC2's.
func (c *Client) askEC2(ctx context.Context, key rotation.NewAccessKey, region string, form url.Values) (int, ec2Answer, error) {
	address, err := c.ec2Endpoint(ctx, region)
	if err != nil {
		return 0, ec2Answer{}, err
	}
	body := form.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return 0, ec2Answer{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("User-Agent", c.userAgent)
	hash := sha256.Sum256([]byte(body))
	now := c.now().Add(c.ClockOffset())
	if err := v4.NewSigner().SignHTTP(ctx, signing(key), request, hex.EncodeToString(hash[:]), "ec2", region, now); err != nil {
		return 0, ec2Answer{}, err
	}
	response, err := c.config.HTTPClient.Do(request)
	if err != nil {
		return 0, ec2Answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	var answer ec2Answer
	if err := xml.NewDecoder(io.LimitReader(response.Body, maxEC2Answer)).Decode(&answer); err != nil {
		answer = ec2Answer{}
	}
	return response.StatusCode, answer, nil
}

// userAgent returns the User-Agent header of requests that are sent without the SDK.
func userAgent(products []Product) string {
	var names []string
	for _, product := range products {
		names = append(names, product.Name+"/"+product.Version)
	}
	return strings.Join(names, " ")
}
