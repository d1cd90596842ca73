package simulator

import "net/http"

// SetRoute53DNS has the cluster use a hosted zone of Route 53 with an access key, in place of Qovery's own domain.
func (c *Cluster) SetRoute53DNS(key *AccessKey) *Holder {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	defer c.world.watchHolders()
	c.dns.object = object{
		"provider": "ROUTE53", "domain": "acme.example", "aws_region": c.Region, "hosted_zone_id": nil,
		"credentials": object{"type": "STATIC", "aws_access_key_id": key.ID, "aws_secret_access_key": key.Secret},
	}
	return c.dns
}

// AddSecretManagerAccess gives the cluster an access to AWS Secrets Manager with an access key.
func (c *Cluster) AddSecretManagerAccess(name string, key *AccessKey) *Holder {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	id := newUUID()
	h := &Holder{
		ID: id, world: c.world, section: []string{"authentication"}, idField: "access_key", secret: "secret_key",
		object: object{
			"id": id, "name": name, "created_at": jsonTime(c.created), "updated_at": jsonTime(c.created),
			"endpoint": object{"mode": "AWS_SECRET_MANAGER", "region": c.Region},
			"authentication": object{
				"mode": "AWS_STATIC_CREDENTIALS", "region": c.Region, "access_key": key.ID, "secret_key": key.Secret,
			},
		},
	}
	c.secretManagers = append(c.secretManagers, h)
	c.world.watchHolders()
	return h
}

func (w *World) getClusterDNSProvider(r *http.Request) (any, error) {
	c, ok := w.clusters[r.PathValue("cluster")]
	if !ok {
		return nil, refuse(http.StatusNotFound, "Cluster %s not found", r.PathValue("cluster"))
	}
	return object{"dns_provider": c.dns.shown()}, nil
}
