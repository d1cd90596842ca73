package simulator

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func (p production) putDNS(t *testing.T, provider object) reply {
	t.Helper()
	return ask(t, p.w, http.MethodPut, "/cluster/"+p.cluster.ID+"/dnsProvider", object{"dns_provider": provider})
}

func route53(key *AccessKey) object {
	return object{
		"provider": "ROUTE53", "domain": "acme.example", "aws_region": "eu-west-3", "hosted_zone_id": "Z0965488LE74BWDEVQDB",
		"credentials": object{"type": "STATIC", "aws_access_key_id": key.ID, "aws_secret_access_key": key.Secret},
	}
}

func TestEditingADNSProvider(t *testing.T) {
	p := newProduction(t)
	holder := p.cluster.SetRoute53DNS(p.key)
	next := p.user.AddKey()
	r := p.putDNS(t, route53(next))
	want := object{
		"provider": "ROUTE53", "domain": "acme.example", "aws_region": "eu-west-3", "hosted_zone_id": "Z0965488LE74BWDEVQDB",
		"credentials": object{"type": "STATIC", "aws_access_key_id": next.ID},
	}
	if r.status != http.StatusOK || !reflect.DeepEqual(r.object, object{"dns_provider": want}) {
		t.Errorf("answered with %d %s", r.status, r.text)
	}
	shown := ask(t, p.w, http.MethodGet, "/cluster/"+p.cluster.ID+"/dnsProvider", nil)
	if !reflect.DeepEqual(shown.object, r.object) || holder.AccessKeyID() != next.ID || holder.Secret() != next.Secret {
		t.Errorf("the provider is %s, the holder has %s", shown.text, holder.AccessKeyID())
	}
	requests := p.w.Mutations()
	if last := requests[len(requests)-1]; last.Operation != OpEditClusterDNSProvider || last.AccessKeyID != next.ID {
		t.Errorf("the record has %s", last)
	}
	r = p.putDNS(t, object{"provider": "CLOUDFLARE", "domain": "a.example", "email": "a@a.example", "api_token": "cf-token"})
	if r.status != http.StatusOK || strings.Contains(r.text, "cf-token") {
		t.Errorf("Cloudflare: %d %s", r.status, r.text)
	}
	if r := p.putDNS(t, object{"provider": "QOVERY", "domain": "z.qovery.run"}); r.status != http.StatusOK {
		t.Errorf("Qovery: %d %s", r.status, r.text)
	}
}

func TestDNSProvidersThatAreRefused(t *testing.T) {
	p := newProduction(t)
	holder := p.cluster.SetRoute53DNS(p.key)
	before := holder.Object()
	with := func(name string, value any) object {
		provider := maps.Clone(route53(p.key))
		if provider[name] = value; value == nil {
			delete(provider, name)
		}
		return provider
	}
	for what, provider := range map[string]object{
		"no kind":       with("provider", nil),
		"unknown kind":  with("provider", "BIND"),
		"no region":     with("aws_region", nil),
		"no secret":     with("credentials", object{"type": "STATIC", "aws_access_key_id": p.key.ID}),
		"a role":        with("credentials", object{"type": "ROLE"}),
		"unknown field": with("id", p.cluster.ID),
	} {
		if r := p.putDNS(t, provider); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", what, r.status, r.text)
		}
	}
	holder.RefuseUpdates(http.StatusUnprocessableEntity)
	if r := p.putDNS(t, route53(p.key)); r.status != http.StatusUnprocessableEntity {
		t.Errorf("a refused update: %d", r.status)
	}
	if !reflect.DeepEqual(holder.Object(), before) {
		t.Errorf("refused requests changed the provider to %v", holder.Object())
	}
}

func TestADNSProviderThatGetsADeadKey(t *testing.T) {
	world := must(Start(Config{}))(t)
	defer world.Close()
	p := populate(world)
	key := p.user.AddKey()
	key.Deactivate()
	p.putDNS(t, route53(key))
	got := world.Violations()
	if len(got) != 1 || !strings.HasPrefix(got[0], string(ViolationStoredKey)) || !strings.Contains(got[0], "is inactive") {
		t.Errorf("the violations are %q", got)
	}
	if dead := world.DeadHolders(); !slices.ContainsFunc(dead, func(d DeadHolder) bool { return d.AccessKeyID == key.ID }) {
		t.Errorf("the dead holders are %v", dead)
	}
}
