package simulator

import (
	"net/http"
	"regexp"
	"slices"
)

var (
	accessKeyIDs = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)
	secretKeys   = regexp.MustCompile(`^[A-Za-z0-9/+]{40}$`)
)

// qoveryRole is the role in credentials without an access key.
const qoveryRole = "arn:aws:iam::" + firstAccount + ":role/qovery"

// Credentials is a credentials set of an organization.
type Credentials struct {
	Holder

	organization *Organization
	clusters     []*Cluster
	noted        string // the last key in the timeline
}

// AddCredentials creates static AWS credentials.
func (o *Organization) AddCredentials(name string, key *AccessKey) *Credentials {
	return o.addCredentials(name, object{
		"object_type": "AWS", "access_key_id": key.ID, "secret_access_key": key.Secret,
	})
}

// AddRoleCredentials creates AWS credentials with a role and without an access key.
func (o *Organization) AddRoleCredentials(name string) *Credentials {
	return o.addCredentials(name, object{"object_type": "AWS_ROLE", "role_arn": qoveryRole})
}

// AddVSphereCredentials creates credentials of EKS Anywhere on vSphere, which also have an access key.
func (o *Organization) AddVSphereCredentials(name string, key *AccessKey) *Credentials {
	return o.addCredentials(name, object{
		"object_type": "EKS_ANYWHERE_VSPHERE", "vsphere_user": "qovery", "vsphere_password": "vsphere",
		"access_key_id": key.ID, "secret_access_key": key.Secret,
	})
}

// AddScalewayCredentials creates credentials of another cloud provider.
func (o *Organization) AddScalewayCredentials(name string) *Credentials {
	return o.addCredentials(name, object{
		"object_type": "SCW", "scaleway_access_key": "SCW00000000000000000", "scaleway_secret_key": newUUID(),
		"scaleway_project_id": newUUID(), "scaleway_organization_id": newUUID(),
	})
}

func (o *Organization) addCredentials(name string, stored object) *Credentials {
	w := o.world
	w.mu.Lock()
	defer w.mu.Unlock()
	stored["id"], stored["name"] = newUUID(), name
	c := &Credentials{
		Holder: Holder{
			ID: stored["id"].(string), world: w, object: stored, idField: "access_key_id", secret: "secret_access_key",
		},
		organization: o,
	}
	o.credentials = append(o.credentials, c)
	w.noteHeld(c)
	w.watchHolders()
	return c
}

// SetKey stores another key in the console.
func (c *Credentials) SetKey(key *AccessKey) {
	c.Holder.SetKey(key)
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	key.replaced = false
	c.world.noteHeld(c)
	c.noteChange(bySomebodyElse)
}

// Remove deletes the credentials in the console.
func (c *Credentials) Remove() {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	c.organization.credentials = slices.DeleteFunc(c.organization.credentials, func(other *Credentials) bool {
		return other == c
	})
}

func (c *Credentials) objectType() string {
	objectType, _ := c.object["object_type"].(string)
	return objectType
}

func (w *World) listCredentials(_ *http.Request, o *Organization) (any, error) {
	var list []any
	for _, c := range o.credentials {
		clusters := []any{}
		for _, cluster := range c.clusters {
			clusters = append(clusters, object{"id": cluster.ID, "name": cluster.Name, "cloud_provider": "AWS"})
		}
		list = append(list, object{"credential": c.shown(), "clusters": clusters})
	}
	return results(list), nil
}

func (w *World) listAWSCredentials(_ *http.Request, o *Organization) (any, error) {
	var list []any
	for _, c := range o.credentials {
		if c.objectType() != "SCW" {
			list = append(list, c.shown())
		}
	}
	return results(list), nil
}

func (w *World) getAWSCredentials(r *http.Request, o *Organization) (any, error) {
	c, err := o.awsCredentials(r)
	if err != nil {
		return nil, err
	}
	return c.shown(), nil
}

// editAWSCredentials accepts only static credentials. Like Qovery, it does not check whether the key works.
func (w *World) editAWSCredentials(r *http.Request, o *Organization) (any, error) {
	c, err := o.awsCredentials(r)
	if err != nil {
		return nil, err
	}
	body, err := decode(r, schema{
		"type":              {true, oneOf("AWS_STATIC")},
		"name":              {true, isFilled},
		"access_key_id":     {true, matches(accessKeyIDs)},
		"secret_access_key": {true, matches(secretKeys)},
	})
	if err != nil {
		return nil, err
	}
	if c.objectType() != "AWS" {
		return nil, refuse(http.StatusBadRequest, "These credentials are of type %s", c.objectType())
	}
	if err := c.acceptsUpdates(); err != nil {
		return nil, err
	}
	id, secret := body["access_key_id"].(string), body["secret_access_key"].(string)
	w.judgeCutover(c, id, secret)
	c.object["name"] = body["name"]
	c.store(id, secret)
	w.noteHeld(c)
	c.noteChange(byRequest)
	return c.shown(), nil
}

func (o *Organization) awsCredentials(r *http.Request) (*Credentials, error) {
	for _, c := range o.credentials {
		if c.ID == r.PathValue("credentials") && c.objectType() != "SCW" {
			return c, nil
		}
	}
	return nil, refuse(http.StatusNotFound, "Credentials %s not found", r.PathValue("credentials"))
}
