package simulator

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// roleName is the name of the role of [World.RoleARN].
const roleName = "rotation"

// session is a session of a role that STS issued.
type session struct {
	caller        caller
	secret, token string
}

var stsActions = map[string]awsAction{
	"GetCallerIdentity":         (*World).getCallerIdentity,
	"AssumeRole":                (*World).assumeRole,
	"AssumeRoleWithWebIdentity": (*World).assumeRoleWithWebIdentity,
}

type getCallerIdentityResult struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string
}

type assumeRoleResult struct {
	AssumedRoleUser xmlAssumedRole
	Credentials     xmlSession
}

type xmlAssumedRole struct {
	ARN string `xml:"Arn"`
	ID  string `xml:"AssumedRoleId"`
}

type xmlSession struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string
}

// RoleARN returns [Account.RoleARN] of the first account.
func (w *World) RoleARN() string { return w.Account().RoleARN() }

// WebIdentityToken returns the token that AssumeRoleWithWebIdentity accepts.
func (w *World) WebIdentityToken() string { return w.webIdentityToken }

func (w *World) getCallerIdentity(call *awsCall) (any, error) {
	w.noteVerified(call)
	return getCallerIdentityResult{ARN: call.caller.arn, UserID: call.caller.id, Account: call.caller.account.ID}, nil
}

func (w *World) assumeRole(call *awsCall) (any, error) {
	if !call.caller.administers() {
		return nil, accessDenied(call)
	}
	return w.newSession(call)
}

func (w *World) assumeRoleWithWebIdentity(call *awsCall) (any, error) {
	if call.form.Get("WebIdentityToken") != w.webIdentityToken {
		return nil, &awsError{http.StatusBadRequest, "InvalidIdentityToken", "The web identity token is not valid."}
	}
	return w.newSession(call)
}

func (w *World) newSession(call *awsCall) (any, error) {
	i := slices.IndexFunc(w.accounts, func(a *Account) bool { return a.RoleARN() == call.form.Get("RoleArn") })
	if i < 0 {
		return nil, accessDenied(call)
	}
	account := w.accounts[i]
	name := call.form.Get("RoleSessionName")
	if name == "" {
		return nil, invalid("RoleSessionName is required.")
	}
	seconds, err := strconv.Atoi(call.form.Get("DurationSeconds"))
	if err != nil {
		seconds = 3600
	}
	id := "ASIA" + rand.Text()[:16]
	s := session{
		caller: caller{
			account: account,
			arn:     "arn:aws:sts::" + account.ID + ":assumed-role/" + roleName + "/" + name,
			id:      "AROA" + rand.Text()[:16] + ":" + name,
		},
		secret: w.newSecret(),
		token:  w.newSecret(),
	}
	w.sessions[id] = s
	return assumeRoleResult{
		AssumedRoleUser: xmlAssumedRole{ARN: s.caller.arn, ID: s.caller.id},
		Credentials: xmlSession{
			AccessKeyID: id, SecretAccessKey: s.secret, SessionToken: s.token,
			// Clients compare this with the machine's time, so a session does not expire by the world's clock.
			Expiration: xmlTime(time.Now().Add(time.Duration(seconds) * time.Second)),
		},
	}, nil
}
