package provider

import (
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

func TestValidators(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name      string
		validator validator.String
		good, bad []string
	}{
		{
			name: "UUID", validator: uuidValidator,
			good: []string{"3f2504e0-4f89-41d3-9a0c-0305e82c3301"},
			bad: []string{
				"", "acme", "3F2504E0-4F89-41D3-9A0C-0305E82C3301", "3f2504e04f8941d39a0c0305e82c3301",
				"3f2504e0-4f89-41d3-9a0c-0305e82c330", "3f2504e0-4f89-41d3-9a0c-0305e82c33011", "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}",
				"3g2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3301\n",
			},
		},
		{
			name: "IAM user name", validator: iamUserNameValidator,
			good: []string{"qovery", "a", "Qovery_prod+1=2,x.y@z-9", strings.Repeat("a", 64)},
			bad:  []string{"", "the user", "path/qovery", "arn:aws:iam::123456789012:user/qovery", strings.Repeat("a", 65), "qövery"},
		},
		{
			name: "access key id", validator: accessKeyIDValidator,
			good: []string{"AKIAIOSFODNN7EXAMPLE", strings.Repeat("A", 16), strings.Repeat("A", 128)},
			bad:  []string{"", "AKIA", strings.Repeat("A", 15), strings.Repeat("A", 129), "AKIA-IOSFODNN7-EXAMPLE"},
		},
		{
			name: "duration with a minimum", validator: durationAtLeast(time.Minute),
			good: []string{"1m", "60s", "1h30m"},
			bad:  []string{"59s", "0s", "-1h", "", "soon", "7d", "1 h", "60"},
		},
		{
			name: "duration with both bounds", validator: durationBetween(15*time.Minute, 12*time.Hour),
			good: []string{"15m", "12h"},
			bad:  []string{"14m59s", "12h0m1s"},
		},
		{
			name: "role ARN", validator: roleARNValidator,
			good: []string{
				"arn:aws:iam::123456789012:role/rotation", "arn:aws-us-gov:iam::123456789012:role/rotation",
				"arn:aws-cn:iam::123456789012:role/rotation", "arn:aws-iso-b:iam::123456789012:role/rotation",
				"arn:aws:iam::123456789012:role/team/a:b*c/R_+=,.@-9",
				"arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-3/AWSReservedSSO_Admin_0123456789abcdef",
			},
			bad: []string{
				"", "rotation", "123456789012", "arn:aws:iam::123456789012:user/rotation", "arn:aws:iam::1234:role/rotation",
				"arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role", "arn:aws:sts::123456789012:assumed-role/rotation/session",
				"arn:aws:iam::123456789012:role/the role", "arn:aws:iam::123456789012:role/rotation\n",
				"arn:aws:iam::123456789012:role/" + strings.Repeat("a", 65),
			},
		},
		{
			name: "region", validator: regionValidator,
			good: []string{
				"us-east-1", "ap-southeast-12", "us-gov-west-1", "cn-northwest-1", "us-isob-east-1", "eu-isoe-west-1", "eusc-de-east-1", "mx-central-1",
			},
			bad: []string{"", "paris", "eu-west", "eu-west-3a", "EU-WEST-3", "eu west 3", "eu-west-3\n", "https://iam.amazonaws.com"},
		},
		{
			name: "JSON object", validator: jsonObjectValidator,
			good: []string{"{}", ` {"Version": "2012-10-17", "Statement": []}` + "\n"},
			bad:  []string{"", "{", "policy.json", "[]", `"{}"`, "{} {}"},
		},
		{
			name: "token", validator: tokenValidator,
			good: []string{"qov_token", " qov_token\r\n"},
			bad:  []string{"", " ", "qov token", "qov\ntoken"},
		},
		{
			name: "URL", validator: urlValidator,
			good: []string{
				"https://api.qovery.com", "https://api.qovery.com/", "https://proxy.example/qovery", "http://127.0.0.1:8080", "http://[::1]",
				"http://localhost",
			},
			bad: []string{
				"", "api.qovery.com", "http://api.qovery.com", "http://127.0.0.1.example", "ftp://api.qovery.com",
				"https://user:password@api.qovery.com", "https://api.qovery.com?a=b", "https://api.qovery.com#a",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, value := range test.good {
				if errs := validate(t, test.validator, types.StringValue(value)); errs != "" {
					t.Errorf("%q is refused: %s", value, errs)
				}
			}
			for _, value := range test.bad {
				if errs := validate(t, test.validator, types.StringValue(value)); errs == "" {
					t.Errorf("%q is accepted", value)
				}
			}
			for _, value := range []types.String{types.StringNull(), types.StringUnknown()} {
				if errs := validate(t, test.validator, value); errs != "" {
					t.Errorf("%s is refused: %s", value, errs)
				}
			}
			if test.validator.Description(t.Context()) == "" || test.validator.MarkdownDescription(t.Context()) == "" {
				t.Error("there is no description")
			}
		})
	}
}

// validate returns the errors in one text.
func validate(t *testing.T, v validator.String, value types.String) string {
	t.Helper()
	var resp validator.StringResponse
	v.ValidateString(t.Context(), validator.StringRequest{Path: path.Root("argument"), ConfigValue: value}, &resp)
	var errs []string
	for _, d := range resp.Diagnostics.Errors() {
		errs = append(errs, d.Summary()+": "+d.Detail())
	}
	return strings.Join(errs, "\n")
}

// Neither a password in a URL nor a token may be in a message.
func TestValidatorsDoNotRepeatSecrets(t *testing.T) {
	t.Parallel()
	for _, got := range []string{
		validate(t, urlValidator, types.StringValue("https://user:hunter2@api.qovery.com")),
		validate(t, tokenValidator, types.StringValue("hunter2\nhunter2")),
	} {
		if got == "" || strings.Contains(got, "hunter2") {
			t.Errorf("got %q", got)
		}
	}
}

func TestDurationOr(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value types.String
		want  time.Duration
	}{
		{types.StringValue("1m"), time.Minute},
		{types.StringValue("0s"), 0},
		{types.StringNull(), time.Hour},
		{types.StringUnknown(), time.Hour},
		{types.StringValue("soon"), time.Hour},
	} {
		if got := durationOr(test.value, time.Hour); got != test.want {
			t.Errorf("got %s for %s, want %s", got, test.value, test.want)
		}
	}
}

func TestStringOr(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		value types.String
		want  string
	}{
		{types.StringValue("value"), "value"},
		{types.StringValue(""), ""},
		{types.StringNull(), "default"},
		{types.StringUnknown(), "default"},
	} {
		if got := stringOr(test.value, "default"); got != test.want {
			t.Errorf("got %q for %s, want %q", got, test.value, test.want)
		}
	}
}
