package rotation

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestPolicy(t *testing.T) {
	for arn, valid := range map[string]bool{
		"arn:aws:iam::123456789012:user/qovery":             true,
		"arn:aws:iam::123456789012:user/system/eu/qovery":   true,
		"arn:aws:iam::123456789012:user/<a&b>/qovery+k@b.c": true,
		"arn:aws-us-gov:iam::123456789012:user/qovery":      true,
		"arn:aws-cn:iam::123456789012:user/qovery":          true,
		"arn:aws-iso-b:iam::123456789012:user/qovery":       true,
		"":                                                   false,
		"qovery":                                             false,
		"arn:aws:iam::123456789012:root":                     false,
		"arn:aws:iam::123456789012:role/qovery":              false,
		"arn:aws:iam::123456789012:user/":                    false,
		"arn:aws:iam::123456789012:user/*":                   false,
		"arn:aws:iam::123456789012:user/*/qovery":            false,
		"arn:aws:iam::123456789012:user/a?/qovery":           false,
		"arn:aws:iam::123456789012:user/${aws:x}/qovery":     false,
		"arn:aws:iam::12345678901:user/qovery":               false,
		"arn:aws:iam:eu-west-3:123456789012:user/qovery":     false,
		"arn:azure:iam::123456789012:user/qovery":            false,
		"arn:aws:sts::123456789012:assumed-role/rotation/me": false,
		" arn:aws:iam::123456789012:user/qovery":             false,
		"arn:aws:iam::123456789012:user/qovery\n":            false,
	} {
		text, err := Policy(arn)
		if (err == nil) != valid {
			t.Errorf("%q: error = %v, want valid = %t", arn, err, valid)
		}
		if !valid {
			continue
		}
		var got policy
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s\n%s", err, text)
		}
		if len(got.Statement) != 1 || got.Statement[0].Resource != arn || !slices.Equal(got.Statement[0].Action, policyActions) {
			t.Errorf("%q: the policy is\n%s", arn, text)
		}
	}
}
