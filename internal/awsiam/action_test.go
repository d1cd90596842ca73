package awsiam

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/qovery/terraform-provider-qoveryrotation/internal/rotation"
)

// actions are all methods that call an action, by the action's name.
var actions = map[string]func(context.Context, *Client) (any, error){
	"GetUser":              func(ctx context.Context, c *Client) (any, error) { return c.User(ctx, "qovery") },
	"ListAccessKeys":       func(ctx context.Context, c *Client) (any, error) { return c.AccessKeys(ctx, "qovery") },
	"GetAccessKeyLastUsed": func(ctx context.Context, c *Client) (any, error) { return c.AccessKeyLastUse(ctx, newKeyID) },
	"CreateAccessKey":      func(ctx context.Context, c *Client) (any, error) { return c.CreateAccessKey(ctx, "qovery") },
	"UpdateAccessKey": func(ctx context.Context, c *Client) (any, error) {
		return nil, c.DeactivateAccessKey(ctx, permitFor("qovery", newKeyID))
	},
	"DeleteAccessKey": func(ctx context.Context, c *Client) (any, error) {
		return nil, c.DeleteAccessKey(ctx, permitFor("qovery", newKeyID))
	},
	"TagUser": func(ctx context.Context, c *Client) (any, error) {
		return nil, c.TagUser(ctx, "qovery", "key", "value")
	},
	"UntagUser": func(ctx context.Context, c *Client) (any, error) { return nil, c.UntagUser(ctx, "qovery", "key") },
	"GetCallerIdentity": func(ctx context.Context, c *Client) (any, error) {
		return c.CallerARN(ctx, rotation.NewAccessKey{ID: newKeyID, Secret: rotation.NewSecret(newSecret)}, "eu-west-3")
	},
}

func TestActions(t *testing.T) {
	at := time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)
	parameters := map[string]string{"UserName": "qovery"}
	keyParameters := map[string]string{"UserName": "qovery", "AccessKeyId": newKeyID}
	tests := map[string]struct {
		action, content string
		want            any
		wantParameters  map[string]string
	}{
		"user": {
			action: "GetUser",
			content: strings.Replace(user, "</User>", `<Tags><member><Key>team</Key><Value>platform</Value></member>`+
				`<member><Key>empty</Key><Value></Value></member></Tags></User>`, 1),
			want: rotation.User{
				Name: "qovery", ARN: "arn:aws:iam::123456789012:user/qovery",
				Tags: map[string]string{"team": "platform", "empty": ""},
			},
			wantParameters: parameters,
		},
		"user without tags": {
			action: "GetUser", content: user,
			want: rotation.User{Name: "qovery", ARN: "arn:aws:iam::123456789012:user/qovery", Tags: map[string]string{}},
		},
		"keys": {
			action: "ListAccessKeys",
			content: `<AccessKeyMetadata>` +
				`<member><AccessKeyId>AKIA1</AccessKeyId><Status>Active</Status>` +
				`<CreateDate>2026-01-02T03:04:05Z</CreateDate></member>` +
				`<member><AccessKeyId>AKIA2</AccessKeyId><Status>Inactive</Status>` +
				`<CreateDate>2026-01-02T03:04:05Z</CreateDate></member>` +
				`</AccessKeyMetadata><IsTruncated>false</IsTruncated>`,
			want:           []rotation.AccessKey{{ID: "AKIA1", Active: true, CreatedAt: at}, {ID: "AKIA2", CreatedAt: at}},
			wantParameters: parameters,
		},
		"no keys": {
			action: "ListAccessKeys", content: `<AccessKeyMetadata/><IsTruncated>false</IsTruncated>`,
			want: []rotation.AccessKey(nil),
		},
		"last use": {
			action: "GetAccessKeyLastUsed",
			content: `<UserName>qovery</UserName><AccessKeyLastUsed><LastUsedDate>2026-01-02T03:04:05Z</LastUsedDate>` +
				`<ServiceName>eks</ServiceName><Region>eu-west-3</Region></AccessKeyLastUsed>`,
			want:           rotation.LastUse{UserName: "qovery", At: at, Service: "eks", Region: "eu-west-3"},
			wantParameters: map[string]string{"AccessKeyId": newKeyID},
		},
		"never used": {
			action: "GetAccessKeyLastUsed",
			content: `<UserName>qovery</UserName><AccessKeyLastUsed><ServiceName>N/A</ServiceName><Region>N/A</Region>` +
				`</AccessKeyLastUsed>`,
			want: rotation.LastUse{UserName: "qovery"},
		},
		"new key": {
			action: "CreateAccessKey", content: createdKey,
			want:           rotation.NewAccessKey{ID: newKeyID, Secret: rotation.NewSecret(newSecret), CreatedAt: at},
			wantParameters: parameters,
		},
		"deactivation": {
			action:         "UpdateAccessKey",
			wantParameters: map[string]string{"UserName": "qovery", "AccessKeyId": newKeyID, "Status": "Inactive"},
		},
		"deletion": {action: "DeleteAccessKey", wantParameters: keyParameters},
		"tag": {
			action:         "TagUser",
			wantParameters: map[string]string{"UserName": "qovery", "Tags.member.1.Key": "key", "Tags.member.1.Value": "value"},
		},
		"no tag": {
			action:         "UntagUser",
			wantParameters: map[string]string{"UserName": "qovery", "TagKeys.member.1": "key"},
		},
		"caller": {
			action: "GetCallerIdentity", content: `<Arn>arn:aws:iam::123456789012:user/qovery</Arn>`,
			want: "arn:aws:iam::123456789012:user/qovery",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{test.action: {result(test.action, test.content)}})
			got, err := actions[test.action](t.Context(), newTestClient(t, aws.config()))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			requests := aws.requests()
			if len(requests) != 1 {
				t.Fatalf("sent %v", requests)
			}
			for parameter, want := range test.wantParameters {
				if got := requests[0].form[parameter]; len(got) != 1 || got[0] != want {
					t.Errorf("%s = %v, want %s", parameter, got, want)
				}
			}
		})
	}
}

func TestAccessKeysReadsEveryPage(t *testing.T) {
	member := func(accessKeyID string) string {
		return `<AccessKeyMetadata><member><AccessKeyId>` + accessKeyID + `</AccessKeyId><Status>Active</Status>` +
			`<CreateDate>2026-01-02T03:04:05Z</CreateDate></member></AccessKeyMetadata>`
	}
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"ListAccessKeys": {
		result("ListAccessKeys", member("AKIA1")+`<IsTruncated>true</IsTruncated><Marker>next</Marker>`),
		result("ListAccessKeys", member("AKIA2")+`<IsTruncated>false</IsTruncated>`),
	}})
	keys, err := newTestClient(t, aws.config()).AccessKeys(t.Context(), "qovery")
	if err != nil || len(keys) != 2 || keys[1].ID != "AKIA2" {
		t.Errorf("got %v, %v", keys, err)
	}
}

func TestErrors(t *testing.T) {
	tests := map[string]struct {
		step http.HandlerFunc
		// want is nil for an error that is not definite.
		want        error
		wantMessage string
	}{
		"denied": {
			step: fault(403, "AccessDenied", "User: x is not authorized"), want: rotation.ErrForbidden,
			wantMessage: "AccessDenied: User: x is not authorized (request id req-1)",
		},
		"not there": {
			step: fault(404, "NoSuchEntity", "no such user"), want: rotation.ErrNotFound, wantMessage: "no such user",
		},
		"unknown key": {
			step: fault(403, "InvalidClientTokenId", "invalid"), want: rotation.ErrUnauthenticated,
			wantMessage: "invalid",
		},
		"expired session": {
			step: fault(403, "ExpiredToken", "expired"), want: rotation.ErrUnauthenticated, wantMessage: "expired",
		},
		"unknown client": {
			step: fault(400, "UnrecognizedClientException", "who"), want: rotation.ErrUnauthenticated,
			wantMessage: "who",
		},
		"wrong signature": {
			step: fault(403, "SignatureDoesNotMatch", "wrong\n\nx-amz-security-token:abc"),
			want: rotation.ErrUnauthenticated, wantMessage: "wrong (request",
		},
		"invalid": {
			step: fault(400, "ValidationError", "too long"), want: rotation.ErrRejected,
			wantMessage: "ValidationError: too long",
		},
		"throttled": {
			step: fault(400, "Throttling", "Rate exceeded"), want: rotation.ErrThrottled,
			wantMessage: "Throttling: Rate exceeded",
		},
		"unmodifiable": {
			step: fault(409, "EntityTemporarilyUnmodifiable", "later"), want: rotation.ErrRejected,
			wantMessage: "later",
		},
		"server error":      {step: fault(500, "ServiceFailure", "sorry"), wantMessage: "ServiceFailure: sorry"},
		"unavailable":       {step: fault(503, "ServiceUnavailable", "sorry"), wantMessage: "ServiceUnavailable"},
		"request timeout":   {step: fault(408, "RequestTimeout", "slow"), wantMessage: "RequestTimeout"},
		"page":              {step: page(200), wantMessage: "HTTP 502 without"},
		"page, not found":   {step: page(404), wantMessage: "HTTP 404 without"},
		"page, bad gateway": {step: page(502), wantMessage: "HTTP 502 without"},
		"reset":             {step: reset, wantMessage: "connection reset"},
		"hang":              {step: hang, wantMessage: ": timed out: Post"},
	}
	for action, call := range actions {
		for name, test := range tests {
			t.Run(action+" "+name, func(t *testing.T) {
				aws := newFakeAWS(t, map[string][]http.HandlerFunc{action: {test.step}})
				config := aws.config()
				config.MaxRetries = 2
				if name == "hang" {
					config.RequestTimeout = 20 * time.Millisecond
				}
				_, err := call(t.Context(), newTestClient(t, config))
				if action == "DeleteAccessKey" && errors.Is(test.want, rotation.ErrNotFound) {
					if err != nil {
						t.Errorf("error = %v for a key that is gone", err)
					}
					return
				}
				failure, ok := errors.AsType[*Error](err)
				if !ok || !strings.HasSuffix(failure.Action, ":"+action) ||
					!strings.Contains(err.Error(), test.wantMessage) {
					t.Fatalf("error = %v, want %q by %s", err, test.wantMessage, action)
				}
				if definite := rotation.IsDefinite(err); definite != (test.want != nil) || definite && !errors.Is(err, test.want) {
					t.Errorf("error = %v, definite = %t, want %v", err, definite, test.want)
				}
				if strings.Contains(err.Error(), "security-token") || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error = %v", err)
				}
			})
		}
	}
}

func TestLimitExceeded(t *testing.T) {
	limit := fault(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{"CreateAccessKey": {limit}, "TagUser": {limit}})
	client := newTestClient(t, aws.config())
	if _, err := client.CreateAccessKey(t.Context(), "qovery"); !errors.Is(err, rotation.ErrLimitExceeded) {
		t.Errorf("error = %v", err)
	}
	if err := client.TagUser(t.Context(), "qovery", "key", "value"); !errors.Is(err, rotation.ErrRejected) {
		t.Errorf("error = %v for a limit of something other than keys", err)
	}
}

func TestIncompleteAnswers(t *testing.T) {
	for action, contents := range map[string][]string{
		"GetUser":              {``, `<User><UserName>qovery</UserName></User>`},
		"ListAccessKeys":       {`<AccessKeyMetadata><member><Status>Active</Status></member></AccessKeyMetadata>`},
		"GetAccessKeyLastUsed": {``},
		"CreateAccessKey": {
			``, strings.Replace(createdKey, newSecret, "", 1), strings.Replace(createdKey, newKeyID, "", 1),
			strings.TrimSuffix(createdKey, "</AccessKey>"), strings.Replace(createdKey, "2026-01-02T", "", 1),
		},
		"GetCallerIdentity": {``},
	} {
		for _, content := range contents {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{action: {result(action, content)}})
			_, err := actions[action](t.Context(), newTestClient(t, aws.config()))
			if _, ok := errors.AsType[*Error](err); !ok || rotation.IsDefinite(err) || strings.Contains(err.Error(), newSecret) {
				t.Errorf("%s %q: error = %v, want an unclear one", action, content, err)
			}
		}
	}
}

func TestLostCredentials(t *testing.T) {
	expired := assumedRole("AssumeRole", "ASIAFIRST", true)
	aws := newFakeAWS(t, map[string][]http.HandlerFunc{
		"AssumeRole": {expired, expired, fault(403, "AccessDenied", "no longer\nsecret")},
	})
	config := aws.config()
	config.AssumeRole = &AssumeRole{RoleARN: "arn"}
	client := newTestClient(t, config)
	sent := len(aws.requests())
	withoutCaller := maps.Clone(actions)
	delete(withoutCaller, "GetCallerIdentity")
	for action, call := range withoutCaller {
		_, err := call(t.Context(), client)
		if want := "AWS: iam:" + action + ": no valid credentials"; !errors.Is(err, rotation.ErrUnauthenticated) ||
			!strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error = %v", action, err)
		}
	}
	if _, err := client.SignsWith(t.Context(), newKeyID); !errors.Is(err, rotation.ErrUnauthenticated) ||
		!strings.HasPrefix(err.Error(), "AWS: no valid credentials") {
		t.Errorf("SignsWith: error = %v", err)
	}
	for _, request := range aws.requests()[sent:] {
		if request.action != "AssumeRole" {
			t.Errorf("sent %s", request.action)
		}
	}
}

func TestClockOffset(t *testing.T) {
	now := time.Date(2026, time.January, 2, 3, 4, 5, 600, time.UTC)
	tests := map[string]struct {
		date string
		want time.Duration
	}{
		"the same":  {date: now.Format(http.TimeFormat)},
		"about":     {date: now.Add(4 * time.Second).Format(http.TimeFormat)},
		"ahead":     {date: now.Add(time.Minute).Format(http.TimeFormat), want: time.Minute - 600},
		"behind":    {date: now.Add(-time.Hour).Format(http.TimeFormat), want: -time.Hour - 600},
		"malformed": {date: "yesterday", want: time.Hour},
		"empty":     {date: "", want: time.Hour},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			aws := newFakeAWS(t, map[string][]http.HandlerFunc{"GetUser": {func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = []string{test.date}
				fault(403, "AccessDenied", "no")(w, r)
			}}})
			config := aws.config()
			config.Now = func() time.Time { return now }
			client := newTestClient(t, config)
			client.clockOffset.Store(int64(time.Hour))
			if _, err := client.User(t.Context(), "qovery"); !errors.Is(err, rotation.ErrForbidden) {
				t.Fatal(err)
			}
			if got := client.ClockOffset(); got != test.want {
				t.Errorf("offset = %s, want %s", got, test.want)
			}
		})
	}
}

// TestAccountOfAnIncompleteAnswer checks that an answer without an account is an error and is not stored.
func TestAccountOfAnIncompleteAnswer(t *testing.T) {
	arn := result("GetCallerIdentity", `<Arn>arn:aws:iam::123456789012:user/qovery</Arn>`)
	whole := result("GetCallerIdentity", `<Arn>arn:aws:iam::123456789012:user/qovery</Arn><Account>123456789012</Account>`)
	client := newTestClient(t, newFakeAWS(t, map[string][]http.HandlerFunc{"GetCallerIdentity": {arn, whole}}).config())
	if account, err := client.Account(t.Context()); err == nil || account != "" {
		t.Errorf("got %q, %v", account, err)
	}
	if account, err := client.Account(t.Context()); err != nil || account != "123456789012" {
		t.Errorf("got %q, %v", account, err)
	}
}

// permitFor returns a permit for a key that no holder stores. Only MayDelete makes permits.
func permitFor(userName, accessKeyID string) rotation.Permit {
	permit, _ := rotation.MayDelete(time.Time{}, rotation.Deletion{
		UserName: userName, AccessKeyID: accessKeyID, Reason: rotation.ReasonCompensated,
	}, &rotation.Snapshot{})
	return permit
}
