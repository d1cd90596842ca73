package simulator

import (
	"crypto/rand"
	"fmt"
	"os"
)

// firstAccount is the id of the account that every world has.
const firstAccount = "123456789012"

// Account is an AWS account. All accounts share one endpoint. The key that signs a request determines the account.
type Account struct {
	ID string

	world    *World
	users    map[string]*User
	deleted  map[string]bool // ids of access keys
	operator *AccessKey
}

// AddAccount creates another AWS account with its own operator. It panics if the id is already in use.
func (w *World) AddAccount(id string) *Account {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.accounts {
		if a.ID == id {
			panic(fmt.Sprintf("simulator: there is an account %s already", id))
		}
	}
	a := &Account{ID: id, world: w, users: map[string]*User{}, deleted: map[string]bool{}}
	a.operator = w.newKey(a.newUser("operator"), w.clock.Now())
	w.accounts = append(w.accounts, a)
	return a
}

// Account returns the first account, which is that of [World.AddUser], [World.Operator], [World.RoleARN] and [World.Env].
func (w *World) Account() *Account { return w.account }

// AddUser creates an IAM user without access keys. Another account may have a user of the same name.
func (a *Account) AddUser(name string) *User {
	a.world.mu.Lock()
	defer a.world.mu.Unlock()
	return a.newUser(name)
}

func (a *Account) newUser(name string) *User {
	w := a.world
	u := &User{
		Name: name, world: w, account: a, id: "AIDA" + rand.Text()[:16], created: w.awsNow(), tags: map[string]string{},
	}
	a.users[name] = u
	return u
}

// Operator returns the access key of an IAM user that may administer all users of the account.
func (a *Account) Operator() *AccessKey { return a.operator }

// RoleARN returns the ARN of a role that may administer all users of the account. The operators of all accounts may assume
// it, and everybody with the web identity token.
func (a *Account) RoleARN() string { return a.iamARN("role/" + roleName) }

func (a *Account) iamARN(resource string) string { return "arn:aws:iam::" + a.ID + ":" + resource }

// isOperator reports whether a key is one of the operators'.
func (w *World) isOperator(accessKeyID string) bool {
	for _, a := range w.accounts {
		if a.operator.ID == accessKeyID {
			return true
		}
	}
	return false
}

// Env returns the environment variables with which a provider uses this world and this account. They replace the machine's AWS
// configuration.
func (a *Account) Env() map[string]string {
	w := a.world
	env := map[string]string{
		"QOVERY_API_TOKEN":            w.token,
		"QOVERY_API_URL":              w.qoveryURL,
		"AWS_ENDPOINT_URL_IAM":        w.awsURL,
		"AWS_ENDPOINT_URL_STS":        w.awsURL,
		"AWS_ENDPOINT_URL_EC2":        w.awsURL,
		"AWS_ACCESS_KEY_ID":           a.operator.ID,
		"AWS_SECRET_ACCESS_KEY":       a.operator.Secret,
		"AWS_REGION":                  defaultRegion,
		"AWS_EC2_METADATA_DISABLED":   "true",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	}
	for _, name := range []string{
		"AWS_CA_BUNDLE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
		"AWS_DEFAULT_PROFILE", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ROLE_ARN",
		"AWS_SESSION_TOKEN", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT", "AWS_WEB_IDENTITY_TOKEN_FILE",
	} {
		env[name] = ""
	}
	return env
}
