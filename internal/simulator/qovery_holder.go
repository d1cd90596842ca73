package simulator

import (
	"net/http"
	"slices"
)

// Holder is an object of Qovery that stores an access key, or may do so.
type Holder struct {
	ID string

	world   *World
	object  object
	section []string // the way to the part of the object that has the key
	idField string
	secret  string // the name of the field
	refuses int
}

// secretFields are the fields that an object stores and the API does not show.
var secretFields = []string{
	"password", "secret_access_key", "aws_secret_access_key", "secret_key", "api_token", "scaleway_secret_key", "vsphere_password",
}

// Name is what people call the holder.
func (h *Holder) Name() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.name()
}

// AccessKeyID is the key that the holder stores; empty if it stores none.
func (h *Holder) AccessKeyID() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.accessKeyID()
}

// Secret is the secret access key that the holder stores; empty if it stores none.
func (h *Holder) Secret() string {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return h.secretAccessKey()
}

// Object is a copy of everything that the holder stores, secrets included.
func (h *Holder) Object() map[string]any {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	return copyObject(h.object)
}

// SetKey stores another key in the console, unchecked.
func (h *Holder) SetKey(key *AccessKey) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.settle()
	h.store(key.ID, key.Secret)
}

// SetField sets a field of the object in the console, such as "associated_services_count". More than one name is the way to
// a field of a part of the object.
func (h *Holder) SetField(value any, path ...string) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.world.settle()
	last := len(path) - 1
	h.part(path[:last])[path[last]] = value
	h.world.watchHolders()
}

// RefuseUpdates makes the API answer every update of the holder with an error status. Status 0 undoes that.
func (h *Holder) RefuseUpdates(status int) {
	h.world.mu.Lock()
	defer h.world.mu.Unlock()
	h.refuses = status
}

// keyPart is the part of the object that has the key.
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

// acceptsUpdates is the error of a holder that refuses updates.
func (h *Holder) acceptsUpdates() error {
	if h.refuses == 0 {
		return nil
	}
	return refuse(h.refuses, "Updates are refused")
}

// shown is what the API shows of the object.
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
