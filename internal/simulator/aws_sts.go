package simulator

import (
	"crypto/rand"
	"net/http"
	"strconv"
	"time"
)

// roleName is the role that the operator may assume, and that may administer every user.
const roleName = "rotation"

// session is what STS issues for a role.
type session struct {
	caller        caller
	secret, token string
}

var stsActions = map[string]func(*World, *awsCall) (any, error){
	"GetCallerIdentity": (*World).getCallerIdentity,
	"AssumeRole":        (*World).assumeRole,
}

type getCallerIdentityResult struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string
}

type assumeRoleResult struct {
	AssumedRoleUser struct {
		ARN string `xml:"Arn"`
		ID  string `xml:"AssumedRoleId"`
	}
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
}

// RoleARN is a role that the operator may assume, and that may administer every IAM user.
func (w *World) RoleARN() string { return "arn:aws:iam::" + account + ":role/" + roleName }

func (w *World) getCallerIdentity(call *awsCall) (any, error) {
	if u := call.caller.user; u != nil {
		w.noteVerified(call)
	}
	return getCallerIdentityResult{ARN: call.caller.arn, UserID: call.caller.id, Account: account}, nil
}

func (w *World) assumeRole(call *awsCall) (any, error) {
	if call.form.Get("RoleArn") != w.RoleARN() || !w.administers(call.caller) {
		return nil, accessDenied(call, APISTS)
	}
	name := call.form.Get("RoleSessionName")
	if name == "" {
		return nil, &awsError{http.StatusBadRequest, "ValidationError", "RoleSessionName is required."}
	}
	seconds, err := strconv.Atoi(call.form.Get("DurationSeconds"))
	if err != nil {
		seconds = 3600
	}
	s := session{
		caller: caller{
			arn: "arn:aws:sts::" + account + ":assumed-role/" + roleName + "/" + name,
			id:  "AROA" + rand.Text()[:16] + ":" + name,
		},
		secret: w.newSecret(),
		token:  w.newSecret(),
	}
	id := "ASIA" + rand.Text()[:16]
	w.sessions[id] = s
	var result assumeRoleResult
	result.AssumedRoleUser.ARN, result.AssumedRoleUser.ID = s.caller.arn, s.caller.id
	result.Credentials.AccessKeyID, result.Credentials.SecretAccessKey = id, s.secret
	result.Credentials.SessionToken = s.token
	// The reader compares this with the machine's time, so a session does not expire on the world's clock either.
	result.Credentials.Expiration = xmlTime(time.Now().Add(time.Duration(seconds) * time.Second))
	return result, nil
}
