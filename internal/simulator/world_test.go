package simulator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// credentialsOf returns the credentials of a client that signs with a key.
func credentialsOf(id, secret, token string) aws.CredentialsProviderFunc {
	return func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, nil
	}
}

func iamClient(w *World, key *AccessKey) *iam.Client {
	return iam.New(iam.Options{
		BaseEndpoint: aws.String(w.AWSURL()), Region: "eu-west-3", Retryer: aws.NopRetryer{},
		Credentials: credentialsOf(key.ID, key.Secret, ""),
	})
}

func stsClient(w *World, region, id, secret, token string) *sts.Client {
	return sts.New(sts.Options{
		BaseEndpoint: aws.String(w.AWSURL()), Region: region, Retryer: aws.NopRetryer{},
		Credentials: credentialsOf(id, secret, token),
	})
}

// awsCode returns the code of an error of AWS, or "".
func awsCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// reply is an answer of Qovery.
type reply struct {
	status int
	header http.Header
	text   string
	object map[string]any
}

// tryQovery sends a request to Qovery.
func tryQovery(ctx context.Context, w *World, token, method, path string, body any) (reply, error) {
	var content io.Reader = http.NoBody
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return reply{}, err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, w.QoveryURL()+path, content)
	if err != nil {
		return reply{}, err
	}
	if token != "" {
		request.Header.Set("Authorization", "Token "+token)
	}
	request.Header.Set("Content-Type", "application/json")
	// The request gets its own connection, because on a reused one the client would repeat a GET.
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: response.StatusCode, header: response.Header, text: string(text)}
	_ = json.Unmarshal(text, &r.object)
	return r, nil
}

// ask is tryQovery for requests that must get an answer.
func ask(t *testing.T, w *World, method, path string, body any) reply {
	t.Helper()
	r, err := tryQovery(t.Context(), w, w.Token(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %s", method, path, err)
	}
	return r
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// production is the world with which most tests start.
type production struct {
	w       *World
	user    *User
	key     *AccessKey
	org     *Organization
	creds   *Credentials
	cluster *Cluster
}

func newProduction(t *testing.T, config ...Config) production {
	t.Helper()
	return populate(New(t, config...))
}

func populate(w *World) production {
	p := production{w: w, user: w.AddUser("qovery"), org: w.AddOrganization("acme")}
	p.key = p.user.AddKey()
	p.creds = p.org.AddCredentials("production", p.key)
	p.cluster = p.org.AddCluster("prod", "eu-west-3", p.creds)
	return p
}

func (p production) path(suffix string) string { return "/organization/" + p.org.ID + suffix }

func (p production) clusterPath(suffix string) string {
	return p.path("/cluster/" + p.cluster.ID + suffix)
}

// put stores a key in the credentials with a request.
func (p production) put(t *testing.T, id, secret string) reply {
	t.Helper()
	return ask(t, p.w, http.MethodPut, p.path("/aws/credentials/"+p.creds.ID), map[string]any{
		"type": "AWS_STATIC", "name": "production", "access_key_id": id, "secret_access_key": secret,
	})
}

// createKey creates a key with a request, and waits until AWS knows it.
func (p production) createKey(t *testing.T) (id, secret string) {
	t.Helper()
	created := must(iamClient(p.w, p.w.Operator()).CreateAccessKey(t.Context(),
		&iam.CreateAccessKeyInput{UserName: aws.String(p.user.Name)}))(t)
	p.w.Clock().Advance(p.w.config.PropagationDelay)
	return *created.AccessKey.AccessKeyId, *created.AccessKey.SecretAccessKey
}

// status returns the cluster's status in the API.
func (p production) status(t *testing.T) map[string]any {
	t.Helper()
	return ask(t, p.w, http.MethodGet, p.clusterPath("/status"), nil).object
}

func TestEnvLeadsToTheWorldOnly(t *testing.T) {
	w := New(t)
	env := w.Env()
	want := map[string]string{
		"QOVERY_API_TOKEN": w.Token(), "QOVERY_API_URL": w.QoveryURL(), "AWS_ENDPOINT_URL_IAM": w.AWSURL(),
		"AWS_ENDPOINT_URL_STS": w.AWSURL(), "AWS_ACCESS_KEY_ID": w.Operator().ID, "AWS_REGION": "eu-west-3",
		"AWS_SECRET_ACCESS_KEY": w.Operator().Secret, "AWS_EC2_METADATA_DISABLED": "true",
	}
	for name, value := range want {
		if env[name] != value {
			t.Errorf("%s is %q, want %q", name, env[name], value)
		}
	}
	if profile, ok := env["AWS_PROFILE"]; !ok || profile != "" {
		t.Errorf("AWS_PROFILE is %q, %t; want it set to nothing", profile, ok)
	}
}

func TestSecretsAreAllThereAndInNoRecord(t *testing.T) {
	p := newProduction(t)
	id, secret := p.createKey(t)
	p.put(t, id, secret)
	session := must(stsClient(p.w, "eu-west-3", p.w.Operator().ID, p.w.Operator().Secret, "").AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(p.w.RoleARN()), RoleSessionName: aws.String("test")}))(t)

	secrets := p.w.Secrets()
	for _, want := range []string{
		p.key.Secret, secret, p.w.Operator().Secret, p.w.Token(), p.w.ReadOnlyToken(), p.w.StrangerToken(),
		*session.Credentials.SecretAccessKey, *session.Credentials.SessionToken,
	} {
		if !slices.Contains(secrets, want) {
			t.Errorf("%q is not among the secrets", want)
		}
	}
	record := must(json.Marshal(p.w.Requests()))(t)
	for _, secret := range secrets {
		if strings.Contains(string(record), secret) {
			t.Errorf("a secret is in the record of requests")
		}
	}
}

func TestSkewShowsInEveryTimeOfAnAPI(t *testing.T) {
	p := newProduction(t)
	p.w.SkewAWS(time.Hour)
	p.w.SkewQovery(-time.Hour)
	now := p.w.Clock().Now()

	created := must(iamClient(p.w, p.w.Operator()).CreateAccessKey(t.Context(),
		&iam.CreateAccessKeyInput{UserName: aws.String("qovery")}))(t)
	if got := *created.AccessKey.CreateDate; !got.Equal(now.Add(time.Hour)) {
		t.Errorf("the key was created at %s, want %s", got, now.Add(time.Hour))
	}
	used := must(iamClient(p.w, p.w.Operator()).GetAccessKeyLastUsed(t.Context(),
		&iam.GetAccessKeyLastUsedInput{AccessKeyId: aws.String(p.w.Operator().ID)}))(t)
	if got := *used.AccessKeyLastUsed.LastUsedDate; !got.Equal(now.Add(time.Hour)) {
		t.Errorf("the operator's key was used at %s, want %s", got, now.Add(time.Hour))
	}

	answer := ask(t, p.w, http.MethodPost, p.clusterPath("/deploy"), nil)
	if got, want := answer.header.Get("Date"), now.Add(-time.Hour).Format(http.TimeFormat); got != want {
		t.Errorf("Qovery's Date is %s, want %s", got, want)
	}
	p.w.Clock().Advance(5 * time.Minute)
	if got, want := p.status(t)["last_deployment_date"], jsonTime(now.Add(5*time.Minute-time.Hour)); got != want {
		t.Errorf("the cluster was deployed at %s, want %s", got, want)
	}
}

func TestLatencyIsRealTime(t *testing.T) {
	p := newProduction(t, Config{Latency: 20 * time.Millisecond})
	before := time.Now()
	ask(t, p.w, http.MethodGet, p.path(""), nil)
	if took := time.Since(before); took < 20*time.Millisecond {
		t.Errorf("the request took %s", took)
	}
}
