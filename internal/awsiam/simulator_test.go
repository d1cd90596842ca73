package awsiam

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-log/tflog"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
	"github.com/qovery/terraform-provider-qoveryrotation/internal/simulator"
)

// TestAgainstSimulator creates, tries, uses, deactivates and deletes a key. The simulator checks the signatures.
func TestAgainstSimulator(t *testing.T) {
	w := simulator.New(t)
	w.SkewAWS(time.Minute)
	tests := map[string]Config{
		"operator": {},
		"role":     {AssumeRole: &AssumeRole{RoleARN: w.RoleARN(), SessionName: "rotation"}},
		"web identity": {AssumeRoleWithWebIdentity: &AssumeRoleWithWebIdentity{
			RoleARN: w.RoleARN(), SessionName: "rotation", WebIdentityToken: w.WebIdentityToken(),
		}},
	}
	for name, config := range tests {
		t.Run(name, func(t *testing.T) {
			for variable, value := range w.Env() {
				t.Setenv(variable, value)
			}
			user := w.AddUser("qovery-" + strings.ReplaceAll(name, " ", "-"))
			current := user.AddKey()
			var log bytes.Buffer
			ctx := tflog.NewSubsystem(tflogtest.RootLogger(t.Context(), &log), LogSubsystem)
			config.MaxBackoff, config.Now = time.Millisecond, w.Clock().Now
			client, err := New(ctx, config)
			if err != nil {
				t.Fatal(err)
			}

			if signs, err := client.SignsWith(ctx, w.Operator().ID); err != nil || signs != (name != "web identity") {
				t.Errorf("SignsWith(operator) = %t, %v", signs, err)
			}
			for range 2 { // The second call returns the stored answer.
				if account, err := client.Account(ctx); err != nil || account != "123456789012" {
					t.Errorf("Account() = %q, %v", account, err)
				}
			}
			const tag, value = "qoveryrotation:production", "v1 owner:a from:b to: phase:create time:2026-01-02T03:04:05Z"
			if err := client.TagUser(ctx, user.Name, tag, value); err != nil {
				t.Fatal(err)
			}
			got, err := client.User(ctx, user.Name)
			if err != nil || got.ARN != user.ARN() || !maps.Equal(got.Tags, map[string]string{tag: value}) {
				t.Errorf("user = %+v, %v", got, err)
			}
			if offset := client.ClockOffset(); offset < 55*time.Second || offset > time.Minute {
				t.Errorf("clock offset = %s, want a minute", offset)
			}

			key, err := client.CreateAccessKey(ctx, user.Name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.CreateAccessKey(ctx, user.Name); !errors.Is(err, rotation.ErrLimitExceeded) {
				t.Errorf("third key: error = %v", err)
			}
			if _, err := client.CallerARN(ctx, key, "eu-west-3"); !errors.Is(err, rotation.ErrUnauthenticated) {
				t.Errorf("key that AWS does not know yet: error = %v", err)
			}
			services := []rotation.Service{rotation.ServiceIAM, rotation.ServiceEC2}
			for _, service := range services {
				if err := client.TryKey(ctx, key, service, "eu-west-3"); !errors.Is(err, rotation.ErrUnauthenticated) {
					t.Errorf("key that %s does not know yet: error = %v", service, err)
				}
			}
			w.Clock().Advance(time.Minute)
			if arn, err := client.CallerARN(ctx, key, "eu-west-3"); arn != user.ARN() || err != nil {
				t.Errorf("caller = %s, %v", arn, err)
			}
			w.DenyAction("ec2:DescribeRegions")
			for _, service := range services { // Both actions are denied, which proves that the signature is accepted.
				if err := client.TryKey(ctx, key, service, "eu-west-3"); !errors.Is(err, rotation.ErrForbidden) {
					t.Errorf("key that %s knows: error = %v", service, err)
				}
			}
			w.AllowAction("ec2:DescribeRegions")
			if err := client.TryKey(ctx, key, rotation.ServiceEC2, "eu-west-3"); err != nil {
				t.Errorf("key that EC2 knows: error = %v", err)
			}
			use, err := client.AccessKeyLastUse(ctx, key.ID)
			if err != nil || use.UserName != user.Name || use.At.IsZero() || use.Service != "ec2" || use.Region != "eu-west-3" {
				t.Errorf("last use = %+v, %v", use, err)
			}
			use, err = client.AccessKeyLastUse(ctx, current.ID)
			if err != nil || use != (rotation.LastUse{UserName: user.Name}) {
				t.Errorf("last use of a key that was never used = %+v, %v", use, err)
			}

			if err := client.DeactivateAccessKey(ctx, permitFor(user.Name, key.ID)); err != nil {
				t.Fatal(err)
			}
			keys, err := client.AccessKeys(ctx, user.Name)
			if want := []rotation.AccessKey{
				{ID: current.ID, Active: true, CreatedAt: current.CreatedAt()},
				{ID: key.ID, CreatedAt: key.CreatedAt},
			}; err != nil || !slices.Equal(keys, want) {
				t.Errorf("keys = %+v, %v", keys, err)
			}
			for range 2 {
				if err := client.DeleteAccessKey(ctx, permitFor(user.Name, key.ID)); err != nil {
					t.Error(err)
				}
				if err := client.UntagUser(ctx, user.Name, tag); err != nil {
					t.Error(err)
				}
			}
			if len(user.Keys()) != 1 || len(user.Tags()) != 0 {
				t.Errorf("the user is left with keys %v and tags %v", user.Keys(), user.Tags())
			}
			if _, err := client.AccessKeyLastUse(ctx, key.ID); !rotation.IsDefinite(err) {
				t.Errorf("last use of a key that is gone: error = %v", err)
			}
			for _, secret := range w.Secrets() {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log contains a secret:\n%s", log.String())
				}
			}
		})
	}
}

func TestFaultsAgainstSimulator(t *testing.T) {
	tests := map[string]struct {
		action string
		kind   simulator.FaultKind
		// want is nil for an error that is not definite.
		want error
		// wantKeys is the number of the user's keys afterwards.
		wantKeys int
	}{
		"throttled":         {action: "CreateAccessKey", kind: simulator.Fault429, want: rotation.ErrThrottled, wantKeys: 1},
		"failed before":     {action: "CreateAccessKey", kind: simulator.FaultBefore500, wantKeys: 1},
		"failed after":      {action: "CreateAccessKey", kind: simulator.FaultAfter500, wantKeys: 2},
		"page after":        {action: "CreateAccessKey", kind: simulator.FaultHTMLAfter, wantKeys: 2},
		"reset before":      {action: "CreateAccessKey", kind: simulator.FaultResetBefore, wantKeys: 1},
		"lost":              {action: "CreateAccessKey", kind: simulator.FaultLost, wantKeys: 2},
		"no answer, before": {action: "CreateAccessKey", kind: simulator.FaultHang, wantKeys: 1},
		"no answer, after":  {action: "CreateAccessKey", kind: simulator.FaultHangAfter, wantKeys: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := simulator.New(t)
			for variable, value := range w.Env() {
				t.Setenv(variable, value)
			}
			user := w.AddUser("qovery")
			user.AddKey()
			client := newTestClient(t, Config{RequestTimeout: 100 * time.Millisecond, MaxBackoff: time.Millisecond})
			w.FailNext(test.action, test.kind)
			_, err := client.CreateAccessKey(t.Context(), user.Name)
			if err == nil || rotation.IsDefinite(err) != (test.want != nil) ||
				test.want != nil && !errors.Is(err, test.want) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
			if got := len(user.Keys()); got != test.wantKeys {
				t.Errorf("the user has %d keys, want %d", got, test.wantKeys)
			}
		})
	}
}
