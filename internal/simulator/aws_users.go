package simulator

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxKeys is IAM's quota of access keys per user. Inactive ones count.
const maxKeys = 2

// User is an IAM user.
type User struct {
	Name string

	world   *World
	account *Account
	id      string
	created time.Time
	tags    map[string]string
	keys    []*AccessKey // oldest first
}

// AccessKey is an access key of an IAM user.
type AccessKey struct {
	ID     string
	Secret string

	user    *User
	active  bool
	created time.Time // by AWS's clock
	known   time.Time // start of the propagation, by the world's clock; zero for a key that is known everywhere
	tries   int       // requests during the second half of the propagation
	uses    []Use

	byAPI      bool // created by a request
	replaced   bool // replaced in Qovery by a request
	expendable bool
	verified   bool
}

// Use is one use of an access key.
type Use struct {
	At      time.Time
	Service string
	Region  string
}

// AddUser creates an IAM user without access keys.
func (w *World) AddUser(name string) *User { return w.Account().AddUser(name) }

// ARN returns the user's Amazon Resource Name.
func (u *User) ARN() string { return u.account.iamARN("user/" + u.Name) }

// Account returns the user's account.
func (u *User) Account() *Account { return u.account }

// AddKey creates an access key in the console. The key works everywhere at once.
func (u *User) AddKey() *AccessKey { return u.AddKeyCreated(u.world.clock.Now()) }

// AddKeyCreated is AddKey with a creation time. It panics if the user already has two keys.
func (u *User) AddKeyCreated(at time.Time) *AccessKey {
	w := u.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(u.keys) == maxKeys {
		panic(fmt.Sprintf("simulator: IAM user %s has %d access keys already", u.Name, maxKeys))
	}
	return w.newKey(u, at)
}

// Keys lists the user's access keys, oldest first.
func (u *User) Keys() []*AccessKey {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	return slices.Clone(u.keys)
}

// Tags returns a copy of the user's tags.
func (u *User) Tags() map[string]string {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	return maps.Clone(u.tags)
}

// SetTag sets a tag in the console.
func (u *User) SetTag(key, value string) {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	u.tags[key] = value
}

// SetTags replaces all tags, as Terraform's aws_iam_user does: it removes tags that are not in its configuration.
func (u *User) SetTags(tags map[string]string) {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	u.tags = map[string]string{}
	maps.Copy(u.tags, tags)
}

// RemoveTag removes a tag in the console.
func (u *User) RemoveTag(key string) {
	u.world.mu.Lock()
	defer u.world.mu.Unlock()
	delete(u.tags, key)
}

func (w *World) newKey(u *User, at time.Time) *AccessKey {
	k := &AccessKey{
		ID: "AKIA" + rand.Text()[:16], Secret: w.newSecret(),
		user: u, active: true, created: at.Add(w.skewAWS).Truncate(time.Second),
	}
	w.keys[k.ID] = k
	u.keys = append(u.keys, k)
	slices.SortStableFunc(u.keys, func(a, b *AccessKey) int { return a.created.Compare(b.created) })
	w.noteAt(at, k.ID, EventCreated, "")
	return k
}

// User returns the owner of the key.
func (k *AccessKey) User() *User { return k.user }

// CreatedAt returns the creation time by AWS's clock.
func (k *AccessKey) CreatedAt() time.Time { return k.created }

// Exists reports whether the key has not been deleted.
func (k *AccessKey) Exists() bool {
	k.user.world.mu.Lock()
	defer k.user.world.mu.Unlock()
	return k.user.world.keys[k.ID] == k
}

// Active reports whether the key exists and is Active.
func (k *AccessKey) Active() bool {
	k.user.world.mu.Lock()
	defer k.user.world.mu.Unlock()
	return k.user.world.keys[k.ID] == k && k.active
}

// Activate makes the key Active in the console.
func (k *AccessKey) Activate() { k.change(func(w *World) { w.setActive(k, true) }) }

// Deactivate makes the key Inactive in the console.
func (k *AccessKey) Deactivate() { k.change(func(w *World) { w.setActive(k, false) }) }

// Delete deletes the key in the console.
func (k *AccessKey) Delete() { k.change(func(w *World) { w.deleteKey(k) }) }

// LastUsed returns the last use of the key, or the zero Use if there was none.
func (k *AccessKey) LastUsed() Use {
	k.user.world.mu.Lock()
	defer k.user.world.mu.Unlock()
	return k.lastUse(k.user.world.awsNow())
}

// MarkUsed records a use of the key now.
func (k *AccessKey) MarkUsed(service, region string) {
	k.change(func(w *World) { w.use(k, service, region, w.clock.Now()) })
}

func (k *AccessKey) change(f func(w *World)) {
	w := k.user.world
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle()
	f(w)
}

func (w *World) setActive(k *AccessKey, active bool) {
	if k.active == active {
		return
	}
	k.active = active
	if active {
		delete(w.ended, k.ID)
		w.note(k.ID, EventActivated, "")
	} else {
		w.note(k.ID, EventDeactivated, "")
	}
	w.watchHolders()
}

func (w *World) deleteKey(k *AccessKey) {
	if w.keys[k.ID] != k {
		return
	}
	delete(w.keys, k.ID)
	k.user.keys = slices.DeleteFunc(k.user.keys, func(other *AccessKey) bool { return other == k })
	k.user.account.deleted[k.ID] = true
	w.note(k.ID, EventDeleted, "")
	w.watchHolders()
}

// use records a use of the key, and removes uses that no request can return any more.
func (w *World) use(k *AccessKey, service, region string, at time.Time) {
	at = at.Add(w.skewAWS)
	told := k.lastUse(at.Add(-w.config.LastUseLag))
	k.uses = slices.DeleteFunc(k.uses, func(u Use) bool { return u.At.Before(told.At) })
	k.uses = append(k.uses, Use{At: at, Service: service, Region: region})
}

// lastUse returns the last use that is not after a time.
func (k *AccessKey) lastUse(until time.Time) Use {
	var last Use
	for _, u := range k.uses {
		if !u.At.Before(last.At) && !u.At.After(until) {
			last = u
		}
	}
	return last
}

// usable returns the reason why a key does not work in a region, or "" if it does.
func (w *World) usable(id, secret, region string) string {
	k := w.keys[id]
	switch {
	case k == nil:
		return "the access key does not exist"
	case !k.active:
		return "the access key is inactive"
	case k.Secret != secret:
		return "the secret access key is wrong"
	}
	for _, api := range []string{APISTS, APIIAM, APIEC2} {
		if w.clock.Now().Before(k.known.Add(w.propagation(api, region))) {
			return "the access key is not yet known to " + api + " in " + region
		}
	}
	return ""
}

// place is an API in a region, with its own propagation of new access keys. An empty API means all APIs.
type place struct{ api, region string }

// SetPropagationDelay sets how long AWS does not know a new access key in one region.
func (w *World) SetPropagationDelay(region string, d time.Duration) {
	w.SetServiceDelay("", region, d)
}

// SetServiceDelay is SetPropagationDelay for one API, such as [APIEC2].
func (w *World) SetServiceDelay(api, region string, d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.propagations[place{api, region}] = d
}

func (w *World) propagation(api, region string) time.Duration {
	for _, p := range []place{{api, region}, {"", region}} {
		if d, ok := w.propagations[p]; ok {
			return d
		}
	}
	return w.config.PropagationDelay
}

// knows reports whether the API knows the key at this request. In the second half of the propagation, every other request
// succeeds, because some machines behind an endpoint know the key earlier than others.
func (w *World) knows(k *AccessKey, api, region string) bool {
	age, delay := w.clock.Now().Sub(k.known), w.propagation(api, region)
	if age >= delay || age < delay/2 {
		return age >= delay
	}
	k.tries++
	return k.tries%2 == 1
}
