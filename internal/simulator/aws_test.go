package simulator

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

func TestLifeOfAnAccessKey(t *testing.T) {
	p := newProduction(t)
	client, ctx, name := iamClient(p.w, p.w.Operator()), t.Context(), aws.String("qovery")

	created := must(client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}))(t).AccessKey
	if id, secret := *created.AccessKeyId, *created.SecretAccessKey; len(id) != 20 || !strings.HasPrefix(id, "AKIA") ||
		len(secret) != 40 {
		t.Errorf("the key is %s with a secret of %d characters", id, len(secret))
	}
	if _, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}); awsCode(err) != "LimitExceeded" {
		t.Errorf("a third key: %v", err)
	}
	must(client.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{
		UserName: name, AccessKeyId: created.AccessKeyId, Status: types.StatusTypeInactive,
	}))(t)
	if _, err := client.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name}); awsCode(err) != "LimitExceeded" {
		t.Errorf("a third key besides an inactive one: %v", err)
	}
	var listed []string
	for _, k := range must(client.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name}))(t).AccessKeyMetadata {
		listed = append(listed, *k.AccessKeyId+" "+string(k.Status))
	}
	want := []string{p.key.ID + " Active", *created.AccessKeyId + " Inactive"}
	if fmt.Sprint(listed) != fmt.Sprint(want) {
		t.Errorf("listed %v, want %v", listed, want)
	}

	id := created.AccessKeyId
	must(client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: id}))(t)
	_, err := client.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: id})
	if awsCode(err) != "NoSuchEntity" {
		t.Errorf("deleting a deleted key: %v", err)
	}
	_, err = client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: id})
	if awsCode(err) != "NoSuchEntity" {
		t.Errorf("last use of a deleted key: %v", err)
	}
	_, err = client.GetAccessKeyLastUsed(ctx, &iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String("AKIAAAAAAAAAAAAAAAAA")})
	if awsCode(err) != "AccessDenied" {
		t.Errorf("last use of a key of another account: %v", err)
	}
	_, err = client.GetUser(ctx, &iam.GetUserInput{UserName: aws.String("nobody")})
	if awsCode(err) != "NoSuchEntity" {
		t.Errorf("an unknown user: %v", err)
	}
}

func TestTags(t *testing.T) {
	p := newProduction(t)
	client, ctx, name := iamClient(p.w, p.w.Operator()), t.Context(), aws.String("qovery")
	tag := func(key, value string) error {
		_, err := client.TagUser(ctx, &iam.TagUserInput{
			UserName: name, Tags: []types.Tag{{Key: aws.String(key), Value: aws.String(value)}},
		})
		return err
	}
	journal := "v1 owner=b2 from=AKIA to=AKIA phase=created 2027-01-04T09:00:00Z a+b@c/d_e."
	p.user.SetTag("team", "platform")
	if err := tag("qoveryrotation:"+p.creds.ID, journal); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, tag := range must(client.GetUser(ctx, &iam.GetUserInput{UserName: name}))(t).User.Tags {
		got[*tag.Key] = *tag.Value
	}
	if len(got) != 2 || got["qoveryrotation:"+p.creds.ID] != journal || got["team"] != "platform" {
		t.Errorf("the tags are %v", got)
	}
	listed := must(client.ListUserTags(ctx, &iam.ListUserTagsInput{UserName: name}))(t)
	if len(listed.Tags) != 2 {
		t.Errorf("ListUserTags lists %v", listed.Tags)
	}

	refused := map[string]struct{ key, value, code string }{
		"character of the value": {"a", "50%", "ValidationError"},
		"character of the key":   {"a;b", "", "ValidationError"},
		"length of the value":    {"a", strings.Repeat("v", 257), "ValidationError"},
		"length of the key":      {strings.Repeat("k", 129), "", "ValidationError"},
		"reserved prefix":        {"aws:a", "", "ValidationError"},
	}
	for what, c := range refused {
		if err := tag(c.key, c.value); awsCode(err) != c.code {
			t.Errorf("%s: got %v, want %s", what, err, c.code)
		}
	}
	if err := tag(strings.Repeat("ü", 128), strings.Repeat("v", 256)); err != nil {
		t.Errorf("the longest tag: %s", err)
	}
	for i := len(p.user.Tags()); i < 50; i++ {
		p.user.SetTag(fmt.Sprintf("tag %d", i), "")
	}
	if err := tag("one more", ""); awsCode(err) != "LimitExceeded" {
		t.Errorf("tag 51: %v", err)
	}
	must(client.UntagUser(ctx, &iam.UntagUserInput{UserName: name, TagKeys: []string{"team", "not there"}}))(t)
	if _, ok := p.user.Tags()["team"]; ok {
		t.Error("the tag is still there")
	}
}

func TestSignatures(t *testing.T) {
	p := newProduction(t)
	inactive := p.user.AddKey()
	inactive.Deactivate()
	for what, c := range map[string]struct{ id, secret, token, code string }{
		"right":        {p.key.ID, p.key.Secret, "", ""},
		"wrong secret": {p.key.ID, inactive.Secret, "", "SignatureDoesNotMatch"},
		"unknown key":  {"AKIAAAAAAAAAAAAAAAAA", p.key.Secret, "", "InvalidClientTokenId"},
		"inactive key": {inactive.ID, inactive.Secret, "", "InvalidClientTokenId"},
	} {
		_, err := stsClient(p.w, "eu-west-3", c.id, c.secret, c.token).GetCallerIdentity(t.Context(), nil)
		if awsCode(err) != c.code || (c.code == "") != (err == nil) {
			t.Errorf("%s: got %v, want %q", what, err, c.code)
		}
	}
	if inactive.LastUsed() != (Use{}) {
		t.Error("a refused request counts as a use")
	}

	form := strings.NewReader("Action=GetUser&Version=2010-05-08")
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, p.w.AWSURL(), form))(t)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	unsigned := must(http.DefaultClient.Do(request))(t)
	defer unsigned.Body.Close()
	if unsigned.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned request got status %d", unsigned.StatusCode)
	}
}

// TestSignatureCoversTheRequest checks that the signature of one request is not accepted for another one.
func TestSignatureCoversTheRequest(t *testing.T) {
	p := newProduction(t)
	var authorization, date string
	client := iam.New(iam.Options{
		BaseEndpoint: aws.String(p.w.AWSURL()), Region: "eu-west-3", Retryer: aws.NopRetryer{},
		Credentials: credentialsOf(p.w.Operator().ID, p.w.Operator().Secret, ""),
		HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
			authorization, date = r.Header.Get("Authorization"), r.Header.Get("X-Amz-Date")
			return http.DefaultClient.Do(r)
		}),
	})
	must(client.GetUser(t.Context(), &iam.GetUserInput{UserName: aws.String("qovery")}))(t)

	form := strings.NewReader("Action=DeleteAccessKey&Version=2010-05-08&UserName=qovery&AccessKeyId=" + p.key.ID)
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, p.w.AWSURL(), form))(t)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", authorization)
	request.Header.Set("X-Amz-Date", date)
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	if response.StatusCode != http.StatusForbidden || !p.key.Exists() {
		t.Errorf("status %d, and the key exists: %t", response.StatusCode, p.key.Exists())
	}
}

type doer func(r *http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

func TestNewKeysSpreadSlowly(t *testing.T) {
	p := newProduction(t)
	p.w.SetPropagationDelay("us-west-2", 20*time.Second)
	created := must(iamClient(p.w, p.w.Operator()).CreateAccessKey(t.Context(),
		&iam.CreateAccessKeyInput{UserName: aws.String("qovery")}))(t).AccessKey
	attempt := func(region string) string {
		_, err := stsClient(p.w, region, *created.AccessKeyId, *created.SecretAccessKey, "").GetCallerIdentity(t.Context(), nil)
		return awsCode(err)
	}
	const unknown = "InvalidClientTokenId"
	for _, step := range []struct {
		after  time.Duration
		region string
		want   string
	}{
		{0, "eu-west-3", unknown},
		{time.Second, "eu-west-3", unknown},
		{3 * time.Second, "eu-west-3", ""},
		{3 * time.Second, "eu-west-3", unknown},
		{4 * time.Second, "eu-west-3", ""},
		{4 * time.Second, "eu-west-3", ""},
		{9 * time.Second, "us-west-2", unknown},
		{20 * time.Second, "us-west-2", ""},
	} {
		p.w.Clock().AdvanceTo(start.Add(step.after))
		if got := attempt(step.region); got != step.want {
			t.Errorf("after %s in %s: got %q, want %q", step.after, step.region, got, step.want)
		}
	}
}

func TestLastUse(t *testing.T) {
	p := newProduction(t, Config{LastUseLag: 10 * time.Minute})
	client := iamClient(p.w, p.w.Operator())
	lastUse := func() string {
		answer := must(client.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &p.key.ID}))(t)
		if *answer.UserName != "qovery" {
			t.Errorf("the key belongs to %s", *answer.UserName)
		}
		use := answer.AccessKeyLastUsed
		if use.LastUsedDate == nil {
			return "never " + *use.ServiceName + " " + *use.Region
		}
		return use.LastUsedDate.Sub(start).String() + " " + *use.ServiceName + " " + *use.Region
	}
	expect := func(want string) {
		t.Helper()
		if got := lastUse(); got != want {
			t.Errorf("last use is %q, want %q", got, want)
		}
	}
	expect("never N/A N/A")
	p.key.MarkUsed("s3", "eu-west-1")
	expect("never N/A N/A")
	p.w.Clock().Advance(10 * time.Minute)
	expect("0s s3 eu-west-1")
	must(stsClient(p.w, "eu-west-3", p.key.ID, p.key.Secret, "").GetCallerIdentity(t.Context(), nil))(t)
	p.w.Clock().Advance(5 * time.Minute)
	p.key.MarkUsed("s3", "eu-west-1")
	expect("0s s3 eu-west-1")
	p.w.Clock().Advance(5 * time.Minute)
	expect("10m0s sts eu-west-3")
	if got := p.key.LastUsed(); got.Service != "s3" || !got.At.Equal(start.Add(15*time.Minute)) {
		t.Errorf("the key was really used %v", got)
	}
}

func TestRights(t *testing.T) {
	p := newProduction(t)
	other := p.w.AddUser("other")
	p.w.DenyAction("iam:TagUser")
	own, operator := iamClient(p.w, p.key), iamClient(p.w, p.w.Operator())
	for what, c := range map[string]struct {
		want string
		call func() error
	}{
		"own user": {"", func() error {
			_, err := own.GetUser(t.Context(), &iam.GetUserInput{})
			return err
		}},
		"another user": {"AccessDenied", func() error {
			_, err := own.GetUser(t.Context(), &iam.GetUserInput{UserName: &other.Name})
			return err
		}},
		"another user's key": {"AccessDenied", func() error {
			_, err := own.GetAccessKeyLastUsed(t.Context(), &iam.GetAccessKeyLastUsedInput{AccessKeyId: &p.w.Operator().ID})
			return err
		}},
		"another user, by the operator": {"", func() error {
			_, err := operator.GetUser(t.Context(), &iam.GetUserInput{UserName: &other.Name})
			return err
		}},
		"a denied action": {"AccessDenied", func() error {
			_, err := operator.TagUser(t.Context(), &iam.TagUserInput{UserName: &other.Name, Tags: []types.Tag{}})
			return err
		}},
		"a role, not by the operator": {"AccessDenied", func() error {
			_, err := stsClient(p.w, "eu-west-3", p.key.ID, p.key.Secret, "").AssumeRole(t.Context(),
				&sts.AssumeRoleInput{RoleArn: aws.String(p.w.RoleARN()), RoleSessionName: aws.String("test")})
			return err
		}},
		"an action that is not simulated": {"InvalidAction", func() error {
			_, err := operator.ListUsers(t.Context(), nil)
			return err
		}},
	} {
		if err := c.call(); awsCode(err) != c.want || (c.want == "") != (err == nil) {
			t.Errorf("%s: got %v, want %q", what, err, c.want)
		}
	}
	p.w.AllowAction("iam:TagUser")
	must(operator.TagUser(t.Context(), &iam.TagUserInput{UserName: &other.Name, Tags: []types.Tag{}}))(t)
}

func TestWebIdentity(t *testing.T) {
	w := New(t)
	assume := func(token string) error {
		_, err := stsClient(w, "eu-west-3", "", "", "").AssumeRoleWithWebIdentity(t.Context(),
			&sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(w.RoleARN()), RoleSessionName: aws.String("test"), WebIdentityToken: &token,
			})
		return err
	}
	if err := assume(w.WebIdentityToken()); err != nil {
		t.Error(err)
	}
	if err := assume(w.Token()); awsCode(err) != "InvalidIdentityToken" {
		t.Errorf("with another token: %v", err)
	}
}

func TestAssumedRoleAdministersUsers(t *testing.T) {
	p := newProduction(t)
	session := must(stsClient(p.w, "eu-west-3", p.w.Operator().ID, p.w.Operator().Secret, "").AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(p.w.RoleARN()), RoleSessionName: aws.String("test")}))(t).Credentials
	if !strings.HasPrefix(*session.AccessKeyId, "ASIA") || session.Expiration.Before(time.Now()) {
		t.Errorf("the session is %s until %s", *session.AccessKeyId, session.Expiration)
	}
	client := func(token string) *iam.Client {
		return iam.New(iam.Options{
			BaseEndpoint: aws.String(p.w.AWSURL()), Region: "eu-west-3", Retryer: aws.NopRetryer{},
			Credentials: credentialsOf(*session.AccessKeyId, *session.SecretAccessKey, token),
		})
	}
	must(client(*session.SessionToken).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &p.user.Name}))(t)
	_, err := client("").ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &p.user.Name})
	if awsCode(err) != "InvalidClientTokenId" {
		t.Errorf("without the session token: %v", err)
	}
	identity := must(stsClient(p.w, "eu-west-3", *session.AccessKeyId, *session.SecretAccessKey, *session.SessionToken).
		GetCallerIdentity(t.Context(), nil))(t)
	if want := "arn:aws:sts::123456789012:assumed-role/rotation/test"; *identity.Arn != want {
		t.Errorf("the caller is %s, want %s", *identity.Arn, want)
	}
}
