package simulator

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// describeRegionsWith sends a request to EC2 in eu-west-3, signed with a key, and returns the status and the answer.
func describeRegionsWith(t *testing.T, w *World, id, secret string) (int, string) {
	t.Helper()
	body := url.Values{"Action": {"DescribeRegions"}, "Version": {"2016-11-15"}, "RegionName.1": {"eu-west-3"}}.Encode()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.AWSURL(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	credentials, _ := credentialsOf(id, secret, "").Retrieve(context.Background())
	if err := v4.NewSigner().SignHTTP(t.Context(), credentials, r, hexSHA256([]byte(body)), "ec2", "eu-west-3", time.Now()); err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

// TestEC2 checks EC2's formats, and that EC2 may know a key later than STS.
func TestEC2(t *testing.T) {
	p := newProduction(t)
	p.w.SetServiceDelay(APIEC2, "eu-west-3", time.Minute)
	id, secret := p.createKey(t)
	check := func(secret string, status int, text string) {
		t.Helper()
		if got, answer := describeRegionsWith(t, p.w, id, secret); got != status || !strings.Contains(answer, text) {
			t.Errorf("got %d %s, want %d %s", got, answer, status, text)
		}
	}
	p.w.Clock().Advance(20 * time.Second)
	must(stsClient(p.w, "eu-west-3", id, secret, "").GetCallerIdentity(t.Context(), nil))(t)
	check(secret, 401, "<Code>AuthFailure</Code>")
	p.w.Clock().Advance(time.Minute)
	check(secret, 200, "<regionName>eu-west-3</regionName>")
	check("wrong", 401, "<Code>AuthFailure</Code>")
	p.w.DenyAction("ec2:DescribeRegions")
	check(secret, 403, "<Code>UnauthorizedOperation</Code>")
}

// TestLimitIAM checks the burst and the rate of IAM, and that other APIs have no limit.
func TestLimitIAM(t *testing.T) {
	p := newProduction(t)
	p.w.LimitIAM(2, 3)
	read := func() string {
		_, err := iamClient(p.w, p.w.Operator()).ListAccessKeys(t.Context(), &iam.ListAccessKeysInput{UserName: &p.user.Name})
		return awsCode(err)
	}
	codes := func(n int) (all []string) {
		for range n {
			all = append(all, read())
		}
		return all
	}
	if got := strings.Join(codes(5), ","); got != ",,,Throttling,Throttling" {
		t.Errorf("got %s", got)
	}
	p.w.Clock().Advance(time.Second)
	if got := strings.Join(codes(3), ","); got != ",,Throttling" {
		t.Errorf("a second later: got %s", got)
	}
	must(stsClient(p.w, "eu-west-3", p.w.Operator().ID, p.w.Operator().Secret, "").GetCallerIdentity(t.Context(), nil))(t)
}
