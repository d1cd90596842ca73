package simulator

import "net/http"

// dnsRequests are the schemas of a DNS provider by its kind, and route53Credentials is that of the credentials of one kind.
var (
	dnsRequests = map[string]schema{
		"QOVERY": {"provider": {true, isText}, "domain": {true, isFilled}},
		"CLOUDFLARE": {
			"provider": {true, isText}, "domain": {true, isFilled}, "email": {true, isFilled},
			"api_token": {true, isFilled}, "proxied": {valid: isBoolean},
		},
		"ROUTE53": {
			"provider": {true, isText}, "domain": {true, isFilled}, "credentials": {true, isObject},
			"aws_region": {true, isFilled}, "hosted_zone_id": {valid: isTextOrNull},
		},
	}
	route53Credentials = schema{
		"type": {true, oneOf("STATIC")}, "aws_access_key_id": {true, isFilled}, "aws_secret_access_key": {true, isFilled},
	}
)

// SetRoute53DNS makes the cluster use a hosted zone of Route 53 with an access key, instead of Qovery's domain.
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

// AddSecretManagerAccess adds an access to AWS Secrets Manager with an access key.
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

func (w *World) getClusterDNSProvider(_ *http.Request, c *Cluster) (any, error) {
	return object{"dns_provider": c.dns.shown()}, nil
}

// editClusterDNSProvider replaces the whole DNS provider. Like Qovery, it does not check whether the key works.
func (w *World) editClusterDNSProvider(r *http.Request, c *Cluster) (any, error) {
	body, err := decode(r, schema{"dns_provider": {true, isObject}})
	if err != nil {
		return nil, err
	}
	provider := body["dns_provider"].(object)
	kind, _ := provider["provider"].(string)
	request, ok := dnsRequests[kind]
	if !ok {
		return nil, refuse(http.StatusBadRequest, "dns_provider.provider is not valid")
	}
	if err := request.check("dns_provider.", provider); err != nil {
		return nil, err
	}
	if err := c.dns.acceptsUpdates(); err != nil {
		return nil, err
	}
	if kind == "ROUTE53" {
		credentials := provider["credentials"].(object)
		if err := route53Credentials.check("dns_provider.credentials.", credentials); err != nil {
			return nil, err
		}
		w.judgeDNSProvider(c, credentials, provider["aws_region"].(string))
	}
	c.dns.object = provider
	w.watchHolders()
	return object{"dns_provider": c.dns.shown()}, nil
}
