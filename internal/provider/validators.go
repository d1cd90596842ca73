package provider

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// uuidValidator accepts the ids that Qovery gives to its objects.
var uuidValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
	"must be a UUID in lowercase, such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301")

// iamUserNameValidator implements IAM's rule for user names:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
var iamUserNameValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^[\w+=,.@-]{1,64}$`),
	"must be the name of an IAM user, not its ARN: 1 to 64 letters, digits and +=,.@_-")

// accessKeyIDValidator implements IAM's rule for access key ids:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
var accessKeyIDValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^\w{16,128}$`),
	"must be an access key id such as AKIAIOSFODNN7EXAMPLE: 16 to 128 letters and digits")

// accountIDValidator accepts the number of an AWS account.
var accountIDValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^\d{12}$`),
	"must be the id of an AWS account, such as 123456789012: 12 digits")

// roleARNValidator implements IAM's rule for the ARNs of roles, in every partition:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
var roleARNValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^arn:aws(-[a-z]+)*:iam::\d{12}:role/([!-~]+/)?[\w+=,.@-]{1,64}$`),
	"must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/key-rotation")

// regionValidator accepts the form of all region names, so that a new region needs no new version of the provider.
var regionValidator = stringvalidator.RegexMatches(
	regexp.MustCompile(`^([a-z]+-){2,}\d+$`),
	"must be the name of an AWS region, not of a zone, such as eu-west-3")

// durationValidator accepts Go durations within bounds. The duration type of terraform-plugin-framework-timetypes is not used,
// because its error does not explain that Go has no unit for days.
type durationValidator struct{ minimum, maximum time.Duration }

func durationAtLeast(minimum time.Duration) validator.String {
	return durationValidator{minimum: minimum}
}

func durationBetween(minimum, maximum time.Duration) validator.String {
	return durationValidator{minimum: minimum, maximum: maximum}
}

// Description implements [validator.String].
func (v durationValidator) Description(context.Context) string {
	if v.maximum > 0 {
		return fmt.Sprintf("must be from %s to %s", rotation.Short(v.minimum), rotation.Short(v.maximum))
	}
	return fmt.Sprintf("must be at least %s", rotation.Short(v.minimum))
}

// MarkdownDescription implements [validator.String].
func (v durationValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements [validator.String].
func (v durationValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	value := req.ConfigValue.ValueString()
	switch duration, err := time.ParseDuration(value); {
	case err != nil:
		addErrorAt(&resp.Diagnostics, req.Path, notADuration(req.Path, value))
	case duration < v.minimum, v.maximum > 0 && duration > v.maximum:
		addErrorAt(&resp.Diagnostics, req.Path, durationOutOfBounds(req.Path, duration, v.Description(ctx)))
	}
}

// parsedValidator accepts what a function can parse. Its message has the function's error and not the value, because the value
// may contain a secret.
type parsedValidator struct {
	description string
	parse       func(value string) error
}

// urlValidator accepts the addresses of APIs to which secrets may be sent.
var urlValidator = parsedValidator{"must be an https URL, or an http URL of a loopback address", func(value string) error {
	_, err := rotation.ParseURL(value)
	return err
}}

// tokenValidator accepts the form of a token of Qovery's API.
var tokenValidator = parsedValidator{"must be a token without whitespace inside", func(value string) error {
	if _, err := qovery.ParseToken(value); err != nil {
		return fmt.Errorf("%w. Set it to a token, or remove it to use the environment variable QOVERY_API_TOKEN", err)
	}
	return nil
}}

// jsonObjectValidator accepts a JSON object, which is the form of an IAM policy.
var jsonObjectValidator = parsedValidator{"must be a JSON object", func(value string) error {
	var object map[string]any
	if err := json.Unmarshal([]byte(value), &object); err != nil {
		return fmt.Errorf("must be a JSON object: %w", err)
	}
	if object == nil {
		return errors.New("must be a JSON object, not null")
	}
	return nil
}}

// Description implements [validator.String].
func (v parsedValidator) Description(context.Context) string { return v.description }

// MarkdownDescription implements [validator.String].
func (v parsedValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements [validator.String].
func (v parsedValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.parse(req.ConfigValue.ValueString()); err != nil {
		addErrorAt(&resp.Diagnostics, req.Path, unparsed(req.Path, err))
	}
}

// minimumTimeout is the lower bound of every timeout. A shorter one would end before the first request.
const minimumTimeout = time.Second

// timeoutsBlock returns the timeouts block of a resource. Its durations are validated like all others.
func timeoutsBlock(ctx context.Context, description string) schema.Block {
	block := timeouts.Block(ctx, timeouts.Opts{
		Create: true, Update: true, CreateDescription: description, UpdateDescription: description,
	}).(schema.SingleNestedBlock)
	for name, attribute := range block.Attributes {
		timeout := attribute.(schema.StringAttribute)
		timeout.Validators = []validator.String{durationAtLeast(minimumTimeout)}
		block.Attributes[name] = timeout
	}
	return block
}

// durationOr returns a duration, or the given one if the value is null, unknown or malformed.
func durationOr(value types.String, otherwise time.Duration) time.Duration {
	duration, err := time.ParseDuration(value.ValueString())
	if err != nil {
		return otherwise
	}
	return duration
}

// stringOr returns a string, or the given one if the value is null or unknown.
func stringOr(value types.String, otherwise string) string {
	if value.IsNull() || value.IsUnknown() {
		return otherwise
	}
	return value.ValueString()
}
