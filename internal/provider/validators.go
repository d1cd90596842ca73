package provider

import (
	"context"
	"fmt"
	"regexp"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-timetypes/timetypes"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/qovery"
)

// uuidValidator accepts the ids that Qovery gives to its objects.
func uuidValidator() validator.String {
	return stringvalidator.RegexMatches(
		regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`),
		"must be a UUID in lowercase, such as 3f2504e0-4f89-41d3-9a0c-0305e82c3301, as Qovery shows it")
}

// iamUserNameValidator holds IAM's rule for user names:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateUser.html
func iamUserNameValidator() validator.String {
	return stringvalidator.RegexMatches(
		regexp.MustCompile(`^[\w+=,.@-]{1,64}$`),
		"must be the name of an IAM user (not its ARN): 1 to 64 letters, digits and +=,.@_-")
}

// accessKeyIDValidator holds IAM's rule for access key ids:
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccessKey.html
func accessKeyIDValidator() validator.String {
	return stringvalidator.RegexMatches(
		regexp.MustCompile(`^\w{16,128}$`),
		"must be an access key id such as AKIAIOSFODNN7EXAMPLE: 16 to 128 letters and digits")
}

// durationValidator bounds a Go duration. A value that is none is reported by its type.
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
		return fmt.Sprintf("must be from %s to %s", v.minimum, v.maximum)
	}
	return fmt.Sprintf("must be at least %s", v.minimum)
}

// MarkdownDescription implements [validator.String].
func (v durationValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements [validator.String].
func (v durationValidator) ValidateString(ctx context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	duration, err := time.ParseDuration(req.ConfigValue.ValueString())
	if err == nil && (duration < v.minimum || v.maximum > 0 && duration > v.maximum) {
		resp.Diagnostics.AddAttributeError(req.Path, summaryConfiguration,
			fmt.Sprintf("%s is %s; it %s.", req.Path, duration, v.Description(ctx)))
	}
}

// apiURLValidator accepts the addresses to which the client would send the token.
type apiURLValidator struct{}

// Description implements [validator.String].
func (apiURLValidator) Description(context.Context) string {
	return "must be an https URL, or an http one of a loopback address"
}

// MarkdownDescription implements [validator.String].
func (v apiURLValidator) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

// ValidateString implements [validator.String].
func (v apiURLValidator) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if _, err := qovery.ParseURL(req.ConfigValue.ValueString()); err != nil {
		resp.Diagnostics.AddAttributeError(req.Path, summaryConfiguration, fmt.Sprintf("%s cannot be used: %s.", req.Path, err))
	}
}

// durationOr returns a duration that is known, set and valid, or else the given one.
func durationOr(value timetypes.GoDuration, otherwise time.Duration) time.Duration {
	if value.IsNull() || value.IsUnknown() {
		return otherwise
	}
	duration, diags := value.ValueGoDuration()
	if diags.HasError() {
		return otherwise
	}
	return duration
}

// stringOr returns a string that is known and set, or else the given one.
func stringOr(value types.String, otherwise string) string {
	if value.IsNull() || value.IsUnknown() {
		return otherwise
	}
	return value.ValueString()
}
