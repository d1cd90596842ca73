package simulator

import (
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// IAM's limits for the tags of a user.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

var iamActions = map[string]awsAction{
	"GetUser":                 (*World).getUser,
	"ListAccessKeys":          (*World).listAccessKeys,
	"CreateAccessKey":         (*World).createAccessKey,
	"UpdateAccessKey":         (*World).updateAccessKey,
	"DeleteAccessKey":         (*World).deleteAccessKey,
	"GetAccessKeyLastUsed":    (*World).getAccessKeyLastUsed,
	"TagUser":                 (*World).tagUser,
	"UntagUser":               (*World).untagUser,
	"ListUserTags":            (*World).listUserTags,
	"ListAccountAliases":      (*World).listAccountAliases,
	"SimulatePrincipalPolicy": (*World).simulatePrincipalPolicy,
}

type xmlUser struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	ARN        string `xml:"Arn"`
	CreateDate string
	Tags       []xmlTag `xml:"Tags>member"`
}

type xmlTag struct {
	Key   string
	Value string
}

type xmlKey struct {
	UserName        string
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string `xml:",omitempty"`
	CreateDate      string
}

type getUserResult struct{ User xmlUser }

type listAccessKeysResult struct {
	IsTruncated       bool
	AccessKeyMetadata []xmlKey `xml:"AccessKeyMetadata>member"`
}

type createAccessKeyResult struct{ AccessKey xmlKey }

type getAccessKeyLastUsedResult struct {
	UserName          string
	AccessKeyLastUsed xmlUse
}

type xmlUse struct {
	LastUsedDate string `xml:",omitempty"`
	ServiceName  string
	Region       string
}

type listAccountAliasesResult struct {
	IsTruncated    bool
	AccountAliases []string `xml:"AccountAliases>member"`
}

type listUserTagsResult struct {
	IsTruncated bool
	Tags        []xmlTag `xml:"Tags>member"`
}

// user returns the user in a call, or the caller's if the call names none.
func (w *World) user(call *awsCall) (*User, error) {
	name := call.form.Get("UserName")
	u := call.caller.account.users[name]
	if name == "" {
		u = call.caller.user
	}
	switch {
	case u != call.caller.user && !call.caller.administers():
		return nil, accessDenied(call)
	case u == nil && name == "":
		return nil, invalid("Must specify userName when calling with non-User credentials")
	case u == nil:
		return nil, missing("The user with name " + name + " cannot be found.")
	}
	return u, nil
}

// userKey returns the access key in a call, which must belong to the user.
func (w *World) userKey(call *awsCall) (*AccessKey, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	id := call.form.Get("AccessKeyId")
	k := w.keys[id]
	if k == nil || k.user != u {
		return nil, missing("The Access Key with id " + id + " cannot be found.")
	}
	return k, nil
}

func (w *World) getUser(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	return getUserResult{xmlUser{
		Path: "/", UserName: u.Name, UserID: u.id, ARN: u.ARN(), CreateDate: xmlTime(u.created), Tags: u.xmlTags(),
	}}, nil
}

func (w *World) listAccessKeys(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	var result listAccessKeysResult
	for _, k := range u.keys {
		result.AccessKeyMetadata = append(result.AccessKeyMetadata, k.xml())
	}
	return result, nil
}

func (w *World) createAccessKey(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	if len(u.keys) >= maxKeys {
		return nil, &awsError{
			http.StatusConflict, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: " + strconv.Itoa(maxKeys),
		}
	}
	k := w.newKey(u, w.clock.Now())
	k.byAPI = true
	k.known = w.clock.Now()
	result := createAccessKeyResult{k.xml()}
	result.AccessKey.SecretAccessKey = k.Secret
	return result, nil
}

func (w *World) updateAccessKey(call *awsCall) (any, error) {
	k, err := w.userKey(call)
	if err != nil {
		return nil, err
	}
	switch status := call.form.Get("Status"); status {
	case "Active":
		w.setActive(k, true)
	case "Inactive":
		w.judgeEnd(k, "deactivated")
		w.setActive(k, false)
	default:
		return nil, invalid("Status " + strconv.Quote(status) + " is neither Active nor Inactive")
	}
	return nil, nil
}

func (w *World) deleteAccessKey(call *awsCall) (any, error) {
	k, err := w.userKey(call)
	if err != nil {
		return nil, err
	}
	w.judgeEnd(k, "deleted")
	w.judgeDeletion(k)
	w.deleteKey(k)
	return nil, nil
}

// getAccessKeyLastUsed answers AccessDenied for a key that was never in the caller's account, like AWS.
func (w *World) getAccessKeyLastUsed(call *awsCall) (any, error) {
	id := call.form.Get("AccessKeyId")
	k := w.keys[id]
	switch {
	case call.caller.account.deleted[id]:
		return nil, missing("The Access Key with id " + id + " cannot be found.")
	case k == nil, k.user.account != call.caller.account, k.user != call.caller.user && !call.caller.administers():
		return nil, accessDenied(call)
	}
	result := getAccessKeyLastUsedResult{k.user.Name, xmlUse{ServiceName: "N/A", Region: "N/A"}}
	if use := k.lastUse(w.awsNow().Add(-w.config.LastUseLag)); !use.At.IsZero() {
		result.AccessKeyLastUsed = xmlUse{xmlTime(use.At), use.Service, use.Region}
	}
	return result, nil
}

func (w *World) tagUser(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	tags := maps.Clone(u.tags)
	for i := 1; call.form.Has(member("Tags", i) + ".Key"); i++ {
		key, value := call.form.Get(member("Tags", i)+".Key"), call.form.Get(member("Tags", i)+".Value")
		switch {
		case key == "" || len([]rune(key)) > maxTagKey || !tagText.MatchString(key):
			return nil, invalid("The tag key " + strconv.Quote(key) + " is not valid.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return nil, invalid("Tag keys must not begin with aws:.")
		case len([]rune(value)) > maxTagValue || !tagText.MatchString(value):
			return nil, invalid("The value of tag " + key + " is not valid.")
		}
		tags[key] = value
	}
	if len(tags) > maxTags {
		return nil, &awsError{
			http.StatusConflict, "LimitExceeded", "Cannot exceed quota for TagsPerUser: " + strconv.Itoa(maxTags),
		}
	}
	u.tags = tags
	return nil, nil
}

func (w *World) untagUser(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	for _, key := range members(call, "TagKeys") {
		delete(u.tags, key)
	}
	return nil, nil
}

func (w *World) listUserTags(call *awsCall) (any, error) {
	u, err := w.user(call)
	if err != nil {
		return nil, err
	}
	return listUserTagsResult{Tags: u.xmlTags()}, nil
}

// listAccountAliases is denied to callers that may not administer the account.
func (w *World) listAccountAliases(call *awsCall) (any, error) {
	if !call.caller.administers() {
		return nil, accessDenied(call)
	}
	return listAccountAliasesResult{AccountAliases: []string{}}, nil
}

func (u *User) xmlTags() []xmlTag {
	var tags []xmlTag
	for _, key := range slices.Sorted(maps.Keys(u.tags)) {
		tags = append(tags, xmlTag{key, u.tags[key]})
	}
	return tags
}

func (k *AccessKey) xml() xmlKey {
	status := "Inactive"
	if k.active {
		status = "Active"
	}
	return xmlKey{UserName: k.user.Name, AccessKeyID: k.ID, Status: status, CreateDate: xmlTime(k.created)}
}

func member(list string, i int) string { return list + ".member." + strconv.Itoa(i) }

func xmlTime(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func invalid(message string) error {
	return &awsError{http.StatusBadRequest, "ValidationError", message}
}

func missing(message string) error { return &awsError{http.StatusNotFound, "NoSuchEntity", message} }
