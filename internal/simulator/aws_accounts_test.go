package simulator

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestAccounts checks that two accounts may have users of the same name, and that the signing key determines the account.
func TestAccounts(t *testing.T) {
	p := newProduction(t)
	other := p.w.AddAccount("210987654321")
	twin := other.AddUser(p.user.Name)
	theirs := twin.AddKey()
	ctx, name := t.Context(), &p.user.Name
	for _, c := range []struct {
		operator, key, foreign *AccessKey
		arn                    string
	}{
		{p.w.Operator(), p.key, theirs, "arn:aws:iam::123456789012:user/qovery"},
		{other.Operator(), theirs, p.key, "arn:aws:iam::210987654321:user/qovery"},
	} {
		client := iamClient(p.w, c.operator)
		if got := *must(client.GetUser(ctx, &iam.GetUserInput{UserName: name}))(t).User.Arn; got != c.arn || got != c.key.User().ARN() {
			t.Errorf("the user is %s, want %s", got, c.arn)
		}
		keys := must(client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name}))(t).AccessKeyMetadata
		if len(keys) != 1 || *keys[0].AccessKeyId != c.key.ID {
			t.Errorf("the keys of %s are %v", c.arn, keys)
		}
		must(client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &c.key.ID}))(t)
		_, err := client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &c.foreign.ID})
		if awsCode(err) != "AccessDenied" {
			t.Errorf("last use of the other account's key: %v", err)
		}
		_, err = client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: &c.foreign.ID})
		if awsCode(err) != "NoSuchEntity" {
			t.Errorf("deleting the other account's key: %v", err)
		}
		identity := must(stsClient(p.w, "eu-west-3", c.operator.ID, c.operator.Secret, "").GetCallerIdentity(ctx, nil))(t)
		if *identity.Account != c.key.User().Account().ID {
			t.Errorf("the operator is in account %s", *identity.Account)
		}
	}
	theirs.Delete()
	for what, c := range map[string]struct {
		operator *AccessKey
		want     string
	}{"own": {other.Operator(), "NoSuchEntity"}, "another": {p.w.Operator(), "AccessDenied"}} {
		_, err := iamClient(p.w, c.operator).GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: &theirs.ID})
		if awsCode(err) != c.want {
			t.Errorf("a deleted key of the %s account: %v, want %s", what, err, c.want)
		}
	}
}

func TestAccountsHaveRolesAndEnvironments(t *testing.T) {
	w := New(t)
	other := w.AddAccount("210987654321")
	other.AddUser("qovery")
	session := must(stsClient(w, "eu-west-3", w.Operator().ID, w.Operator().Secret, "").AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(other.RoleARN()), RoleSessionName: aws.String("test")}))(t)
	if want := "arn:aws:sts::210987654321:assumed-role/rotation/test"; *session.AssumedRoleUser.Arn != want {
		t.Errorf("the session is %s, want %s", *session.AssumedRoleUser.Arn, want)
	}
	first, second := w.Env(), other.Env()
	if second["AWS_ACCESS_KEY_ID"] != other.Operator().ID || second["AWS_SECRET_ACCESS_KEY"] != other.Operator().Secret {
		t.Error("the environment has not the account's operator")
	}
	for _, name := range []string{"AWS_ENDPOINT_URL_IAM", "QOVERY_API_TOKEN"} {
		if first[name] != second[name] {
			t.Errorf("%s is %q, want %q", name, second[name], first[name])
		}
	}
	if events := w.Timeline(); len(events) != 0 {
		t.Errorf("the operators are on the timeline: %v", events)
	}
}
