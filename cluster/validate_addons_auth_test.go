package cluster

import (
	"strings"
	"testing"
)

func TestOneFaultEachOfAuth(t *testing.T) {
	auth := func(f func(*Auth)) func(*Addons) { return func(a *Addons) { f(a.Auth) } }
	option := func(name string) func(*Addons) {
		return auth(func(u *Auth) { u.Options = map[string]string{name: "x"} })
	}
	checkAddonRows(t, []addonRow{
		{"provider", auth(func(u *Auth) { u.Provider = "okta" }), "auth.provider|oidc"},
		{"no issuer URL", auth(func(u *Auth) { u.IssuerURL = "" }), "auth.issuerURL: is missing"},
		{"issuer URL in clear", auth(func(u *Auth) { u.IssuerURL = "http://sso.example.com" }), "auth.issuerURL|not encrypted"},
		{"no client", auth(func(u *Auth) { u.ClientID = "" }), "auth.clientID: is missing"},
		{"no client secret", auth(func(u *Auth) { u.ClientSecret = Secret{} }), "auth.clientSecret: is missing"},
		{"no host", auth(func(u *Auth) { u.Hosts, u.CookieDomains = nil, nil }), "auth.hosts: is missing"},
		{"host", auth(func(u *Auth) { u.Hosts = append(u.Hosts, "https://x.example.com") }), "auth.hosts[1]|is a URL"},
		{"class", auth(func(u *Auth) { u.Class = "extern" }), "auth.class|a class that nobody serves"},
		{"issuer", auth(func(u *Auth) { u.Issuer = "letsencrypt" }), "auth.issuer|write pebble or lan"},
		{"no certificates", func(a *Addons) { a.Certs = nil; a.Auth.Issuer = "" }, "auth.issuer: is missing|add addons.certs"},
		{"no ingress", func(a *Addons) { a.Ingress = nil; a.Certs.Issuers[0].Class = ""; a.Auth.Class = "" }, "auth.class: is missing|add addons.ingress"},
		{"nobody may enter", auth(func(u *Auth) { u.EmailDomains = nil }), "auth.emailDomains: is missing|who may enter"},
		{"email domain", auth(func(u *Auth) { u.EmailDomains = []string{"me@example.com"} }), "auth.emailDomains[0]|is not a DNS name"},
		{"cookie of the top", auth(func(u *Auth) { u.CookieDomains = []string{".com"} }), "auth.cookieDomains[0]|browsers take no cookie"},
		{"cookie of another", auth(func(u *Auth) { u.CookieDomains = []string{".example.org"} }), "auth.cookieDomains[0]|none of hosts"},
		{"kbm's own flag", option("reverse-proxy"), "auth.options[reverse-proxy]|kbm itself sets|take it out"},
		{"a setting's flag", option("email-domain"), "auth.options[email-domain]|write emailDomains"},
		{"a flag's dashes", option("--github-org"), "options[--github-org]|write github-org"},
		{"not a flag", option("GITHUB_ORG"), "options[GITHUB_ORG]|not a flag"},
		{"authorities", auth(func(u *Auth) { u.CAFile = "../sso.pem" }), "auth.caFile|not inside the cluster's folder"},
	})
}

func TestOneFaultEachOfExtra(t *testing.T) {
	tls := func(f func(*TLSSecret)) func(*Addons) { return func(a *Addons) { f(&a.Extra.TLS[0]) } }
	checkAddonRows(t, []addonRow{
		{"manifests", func(a *Addons) { a.Extra.Manifests = []string{"/root/app"} }, "extra.manifests[0]|not inside the cluster's folder"},
		{"empty manifests", func(a *Addons) { a.Extra.Manifests = []string{" "} }, "extra.manifests[0]: is missing"},
		{"no name", tls(func(s *TLSSecret) { s.Name = "" }), "extra.tls[0].name: is missing"},
		{"name", tls(func(s *TLSSecret) { s.Name = "App_TLS" }), "extra.tls[0].name|not a name of Kubernetes"},
		{"namespace", tls(func(s *TLSSecret) { s.Namespace = "a.b" }), "extra.tls[0].namespace|not a name of Kubernetes"},
		{"no certificate", tls(func(s *TLSSecret) { s.Cert = "" }), "extra.tls[0].cert: is missing"},
		{"key elsewhere", tls(func(s *TLSSecret) { s.Key = "a/../../b.key" }), "extra.tls[0].key|not inside the cluster's folder"},
		{"one Secret twice", func(a *Addons) { a.Extra.HTPasswd[0].Name = "app-tls" }, `extra.htpasswd[0].name: "default/app-tls" is also the Secret of addons.extra.tls[0]`},
		{"no passwords", func(a *Addons) { a.Extra.HTPasswd[0].File = "" }, "extra.htpasswd[0].file: is missing"},
	})
}

// A key in plain contradicts secrets.recipients.
func TestKeyInPlainBesideRecipients(t *testing.T) {
	c := withAddons()
	c.Secrets.Recipients = []string{"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"}
	if faults := c.Validate(); len(faults) != 1 || !strings.Contains(faults[0].String(), "extra.tls[0].key: \"app.key\" would lie in plain") {
		t.Errorf("got %v", faults)
	}
}

func TestOneFaultEachOfNames(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*Network)
		want  string
	}{
		"zone":             {func(n *Network) { n.Zones = map[string][]string{"corp_x": {"10.0.0.53"}} }, "network.zones[corp_x]|underscore"},
		"zone without":     {func(n *Network) { n.Zones = map[string][]string{"corp": nil} }, "network.zones[corp]: is missing"},
		"the cluster's":    {func(n *Network) { n.Zones = map[string][]string{"cluster.local": {"10.0.0.53"}} }, "network.zones[cluster.local]|answers for itself"},
		"zone's resolver":  {func(n *Network) { n.Zones = map[string][]string{"corp": {"dns"}} }, "network.zones[corp][0]|is not an address"},
		"resolver of pods": {func(n *Network) { n.Zones = map[string][]string{"corp": {"10.96.0.10"}} }, "network.zones[corp][0]|inside network.serviceCIDR"},
		"host":             {func(n *Network) { n.Hosts = map[string]string{"NAS": "10.0.0.5"} }, "network.hosts[NAS]|capital"},
		"host's address":   {func(n *Network) { n.Hosts = map[string]string{"nas": "10.0.0"} }, "network.hosts[nas]|is not an address"},
	} {
		c := withAddons()
		row.spoil(&c.Network)
		faults := c.Validate()
		if len(faults) != 1 {
			t.Errorf("%s: got %d faults, want one:\n%v", name, len(faults), faults)
			continue
		}
		for _, words := range strings.Split(row.want, "|") {
			if !strings.Contains(faults[0].String(), words) {
				t.Errorf("%s: %q is not in: %s", name, words, faults[0])
			}
		}
	}
}
