package cluster

import (
	"strings"
	"testing"
)

func TestOneFaultEachOfDNS(t *testing.T) {
	rfc := func(f func(*RFC2136)) func(*Addons) { return func(a *Addons) { f(a.DNS.RFC2136) } }
	with := func(d DNS) func(*Addons) {
		return func(a *Addons) {
			d.Domains = []string{"example.com"}
			d.fill("home")
			a.DNS = &d
			a.Certs.Issuers[0].DNS01 = nil
		}
	}
	route53 := func(id, region, kind string) func(*Addons) {
		return with(DNS{Provider: ProviderRoute53, Route53: &Route53{AccessKeyID: id, Region: region, ZoneType: kind, SecretAccessKey: Secret{Env: "S"}}})
	}
	webhook := func(w DNSWebhook) func(*Addons) { return with(DNS{Provider: ProviderWebhook, Webhook: &w}) }
	const image = "example.com/hetzner:v1"
	checkAddonRows(t, []addonRow{
		{"unknown provider", func(a *Addons) { a.DNS.Provider = "godaddy" }, "dns.provider|cloudflare, route53, rfc2136, webhook"},
		{"no provider", func(a *Addons) { a.DNS.Provider = "" }, "dns.provider: is missing"},
		{"no section", with(DNS{Provider: ProviderCloudflare}), "dns.cloudflare: is missing"},
		{"section of another", func(a *Addons) { a.DNS.Cloudflare = &Cloudflare{APIToken: Secret{Env: "T"}} }, "dns.cloudflare: is not used with provider: rfc2136"},
		{"no credential", with(DNS{Provider: ProviderCloudflare, Cloudflare: &Cloudflare{}}), "dns.cloudflare.apiToken: is missing|{env: NAME}"},
		{"no domain", func(a *Addons) { a.DNS.Domains = nil; a.DNS.RFC2136.Zones = nil }, "dns.domains: is missing"},
		{"wildcard", func(a *Addons) { a.DNS.Domains = append(a.DNS.Domains, "*.example.com") }, "dns.domains[1]|wildcard"},
		{"domain is an address", func(a *Addons) { a.DNS.Domains = append(a.DNS.Domains, "10.0.0.1") }, "dns.domains[1]|is not a DNS name"},
		{"domain twice", func(a *Addons) { a.DNS.Domains = append(a.DNS.Domains, "example.com") }, "dns.domains[1]|is there twice"},
		{"owner", func(a *Addons) { a.DNS.Owner = "a,b" }, "dns.owner|TXT record"},
		{"policy", func(a *Addons) { a.DNS.Policy = "delete" }, "dns.policy|sync or upsert-only"},
		{"interval", func(a *Addons) { a.DNS.Interval = "1" }, "dns.interval|is not a length of time"},
		{"interval too short", func(a *Addons) { a.DNS.Interval = "9s" }, "dns.interval|10s or more"},
		{"no server", rfc(func(r *RFC2136) { r.Server = "" }), "dns.rfc2136.server: is missing"},
		{"server's port", rfc(func(r *RFC2136) { r.Server = "10.0.0.53:99999" }), "dns.rfc2136.server|no valid port"},
		{"zone of nothing", rfc(func(r *RFC2136) { r.Zones = []string{"example.org"} }), "dns.rfc2136.zones[0]|nothing to do with addons.dns.domains"},
		{"no key name", rfc(func(r *RFC2136) { r.KeyName = "" }), "dns.rfc2136.keyName: is missing"},
		{"md5", rfc(func(r *RFC2136) { r.Algorithm = "hmac-md5" }), "dns.rfc2136.algorithm|hmac-sha512"},
		{"key in clear", rfc(func(r *RFC2136) { r.Key = Secret{Env: "c2VjcmV0=="} }), "dns.rfc2136.key.env|the value itself never stands here"},
		{"key in plain", rfc(func(r *RFC2136) { r.Key = Secret{File: "tsig.key"} }), "dns.rfc2136.key.file|age -r RECIPIENT -o tsig.key.age tsig.key"},
		{"key elsewhere", rfc(func(r *RFC2136) { r.Key = Secret{File: "../tsig.age"} }), "dns.rfc2136.key.file|not inside the cluster's folder"},
		{"two sources", rfc(func(r *RFC2136) { r.Key = Secret{Env: "K", File: "k.age"} }), "dns.rfc2136.key|both env and file"},
		{"access key", route53("wJalrXUtnFEMI/K7MDENG", "eu-central-1", ""), "dns.route53.accessKeyID: is not an access key ID"},
		{"region", route53("AKIAIOSFODNN7EXAMPLE", "Frankfurt", ""), "dns.route53.region|us-east-1"},
		{"zone type", route53("AKIAIOSFODNN7EXAMPLE", "eu-central-1", "both"), "dns.route53.zoneType|public or private"},
		{"no image", webhook(DNSWebhook{}), "dns.webhook.image: is missing"},
		{"image without a tag", webhook(DNSWebhook{Image: "example.com/hetzner"}), "dns.webhook.image|tag or digest"},
		{"image of the day", webhook(DNSWebhook{Image: "example.com/hetzner:latest"}), "dns.webhook.image|from day to day"},
		{"variable", webhook(DNSWebhook{Image: image, Env: map[string]string{"A-B": "x"}}), "dns.webhook.env[A-B]|not the name"},
		{"variable twice", webhook(DNSWebhook{Image: image, Env: map[string]string{"A": "x"}, SecretEnv: map[string]Secret{"A": {Env: "A"}}}), "dns.webhook.env[A]|also in secretEnv"},
		{"secret variable", webhook(DNSWebhook{Image: image, SecretEnv: map[string]Secret{"A": {}}}), "dns.webhook.secretEnv[A]: is missing"},
	})
}

func TestOneFaultEachOfCerts(t *testing.T) {
	issuer := func(i int, f func(*Issuer)) func(*Addons) { return func(a *Addons) { f(&a.Certs.Issuers[i]) } }
	checkAddonRows(t, []addonRow{
		{"no email", issuer(0, func(i *Issuer) { i.Email = "" }), "issuers[0].email: is missing"},
		{"email", issuer(0, func(i *Issuer) { i.Email = "Me <me@example.com>" }), "issuers[0].email|not an email address"},
		{"email of all", func(a *Addons) { a.Certs.Email = "me" }, "certs.email|not an email address"},
		{"resolver", func(a *Addons) { a.Certs.Resolvers = []string{"1.1.1.1"} }, "certs.resolvers[0]|has no port"},
		{"unknown class", issuer(0, func(i *Issuer) { i.Class = "extern" }), "issuers[0].class|a class that nobody serves|external, internal, high"},
		{"no proof", issuer(0, func(i *Issuer) { i.Class, i.DNS01 = "", nil }), "issuers[0]: \"pebble\" has neither class nor dns01"},
		{"no server", issuer(0, func(i *Issuer) { i.Server = "" }), "issuers[0].server: is missing"},
		{"server in clear", issuer(0, func(i *Issuer) { i.Server = "http://acme.example.com/dir" }), "issuers[0].server|not encrypted"},
		{"server", issuer(0, func(i *Issuer) { i.Server = "prod" }), "issuers[0].server|staging or production"},
		{"authorities of Let's Encrypt", issuer(0, func(i *Issuer) { i.Server = ACMEStaging }), "issuers[0].caFile|not for Let's Encrypt"},
		{"authorities elsewhere", issuer(0, func(i *Issuer) { i.CAFile = "/etc/ssl/ca.pem" }), "issuers[0].caFile|not inside the cluster's folder"},
		{"name twice", issuer(1, func(i *Issuer) { i.Name = "pebble" }), "issuers[1].name|is there twice"},
		{"private with a class", issuer(1, func(i *Issuer) { i.Class = "external" }), "issuers[1].class|not used with privateCA"},
		{"zone", issuer(0, func(i *Issuer) { i.DNS01 = []string{"*.example.com"} }), "issuers[0].dns01[0]|wildcard"},
		{"no provider", func(a *Addons) { a.DNS = nil }, "issuers[0].dns01: has no DNS provider"},
		{"a provider of external-dns", func(a *Addons) {
			a.DNS.Provider, a.DNS.RFC2136, a.DNS.Webhook = ProviderWebhook, nil, &DNSWebhook{Image: "example.com/hetzner:v1"}
		}, "issuers[0].dns01: cannot write records through provider: webhook"},
		{"a digest that cert-manager lacks", func(a *Addons) { a.DNS.RFC2136.Algorithm = "hmac-sha384" }, "issuers[0].dns01|hmac-sha256"},
		{"standard issuers without a way", func(a *Addons) {
			*a = Addons{Certs: &Certs{Email: "me@example.com"}}
			a.Certs.fill(*a)
		}, "certs.email|could prove no name"},
	})
}

// The values of secrets may stand in the wrong place, and then in a fault.
func TestFaultsNeverRepeatACredential(t *testing.T) {
	c := withAddons()
	c.Addons.DNS.Provider = ProviderRoute53
	c.Addons.DNS.RFC2136 = nil
	c.Addons.DNS.Route53 = &Route53{AccessKeyID: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Region: "us-east-1", SecretAccessKey: Secret{Env: "wJalrXUtnFEMI/K7"}}
	if text := c.Validate().Error(); !strings.Contains(text, "secretAccessKey.env") || strings.Contains(text, "wJalr") {
		t.Error(text)
	}
}
