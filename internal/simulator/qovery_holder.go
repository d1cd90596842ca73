package simulator

import (
	"net/http"
	"slices"
)

// Holder is an object of Qovery that can store an access key.
type Holder struct {
	ID string

	world   *World
	object  object
	section []string // path of the nested object with the key
	idField string
	secret  string // name of the field
	refuses int
}

// secretFields are the fields that an object stores and the API does not show.
var secretFields = []string{
	"password", "secret_access_key", "aws_secret_access_key", "secret_key", "api_token", "scaleway_secret_key", "vsphere_password",
}

// Name returns the holder's name, or its id if it has none.
func (h *Holder) Name() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.name()
}

// AccessKeyID returns the id of the key that the holder stores, or "" if it stores none.
func (h *Holder) AccessKeyID() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.accessKeyID()
}

// Secret returns the secret access key that the holder stores, or "" if it stores none.
func (h *Holder) Secret() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.secretAccessKey()
}

// Object returns a copy of everything that the holder stores, including secrets.
func (h *Holder) Object() map[string]any {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return copyObject(h.object)
}

// SetKey stores another key in the console, without a check.
func (h *Holder) SetKey(key *AccessKey) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.settle()
	h.store(key.ID, key.Secret)
}

// SetField sets a field of the object in the console, such as "associated_services_count". The path of a field in a nested
// object has several names.
func (h *Holder) SetField(value any, path ...string) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.settle()
	last := len(path) - 1
	h.part(path[:last])[path[last]] = value
	h.world.watchHolders()
}

// RefuseUpdates makes the API answer every update of the holder with an error status. Status 0 ends that.
func (h *Holder) RefuseUpdates(status int) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.refuses = status
}

// keyPart returns the nested object with the key.
func (h *Holder) keyPart() object { return h.part(h.section) }

func (h *Holder) part(path []string) object {
	o := h.object
	for _, name := range path {
		o, _ = o[name].(object)
	}
	return o
}

func (h *Holder) accessKeyID() string {
	id, _ := h.keyPart()[h.idField].(string)
	return id
}

func (h *Holder) secretAccessKey() string {
	secret, _ := h.keyPart()[h.secret].(string)
	return secret
}

func (h *Holder) store(id, secret string) {
	part := h.keyPart()
	part[h.idField], part[h.secret] = id, secret
	h.world.watchHolders()
}

// acceptsUpdates returns an error if the holder refuses updates.
func (h *Holder) acceptsUpdates() error {
	if h.refuses == 0 {
		return nil
	}
	return refuse(h.refuses, "Updates are refused")
}

// shown returns the object as the API shows it.
func (h *Holder) shown() object { return withoutSecrets(h.object) }

func withoutSecrets(o object) object {
	shown := object{}
	for name, value := range o {
		if slices.Contains(secretFields, name) {
			continue
		}
		if part, ok := value.(object); ok {
			value = withoutSecrets(part)
		}
		shown[name] = value
	}
	return shown
}

func copyObject(o object) object {
	c := object{}
	for name, value := range o {
		if part, ok := value.(object); ok {
			value = copyObject(part)
		}
		c[name] = value
	}
	return c
}

func find(holders []*Holder, id string) (*Holder, error) {
	for _, h := range holders {
		if h.ID == id {
			return h, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "%s not found", id)
}

func shownAll(holders []*Holder) any {
	var list []any
	for _, h := range holders {
		list = append(list, h.shown())
	}
	return results(list)
}
