package cluster

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// SignInProviders lists the providers of oauth2-proxy.
func SignInProviders() []string {
	return []string{
		"oidc", "adfs", "azure", "bitbucket", "cidaas", "digitalocean", "entra-id", "facebook", "github", "gitlab",
		"google", "keycloak", "keycloak-oidc", "linkedin", "login.gov", "nextcloud", "sourcehut",
	}
}

// settingOf tells which key of the section stands for a flag of oauth2-proxy;
// empty for a flag that kbm alone knows the value of.
func settingOf() map[string]string {
	return map[string]string{
		"provider": "provider", "oidc-issuer-url": "issuerURL", "client-id": "clientID",
		"client-secret": "clientSecret", "client-secret-file": "clientSecret",
		"cookie-domain": "cookieDomains", "whitelist-domain": "cookieDomains", "email-domain": "emailDomains",
		"provider-ca-file": "caFile", "use-system-trust-store": "caFile",
		"cookie-secret": "", "cookie-secret-file": "", "http-address": "", "https-address": "", "metrics-address": "",
		"reverse-proxy": "", "trusted-proxy-ip": "", "upstream": "", "config": "", "alpha-config": "", "set-xauthrequest": "", "proxy-prefix": "",
		"tls-cert-file": "", "tls-key-file": "", "ping-path": "", "ready-path": "", "cookie-secure": "",
	}
}

var flagName = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

func checkAuth(k checker, a Addons) {
	u := a.Auth
	k.oneOf("provider", u.Provider, SignInProviders())
	const issuer = "write the https:// URL of the OpenID Connect provider"
	if u.IssuerURL != "" {
		k.https("issuerURL", u.IssuerURL, issuer)
	} else if slices.Contains([]string{"oidc", "keycloak-oidc", "adfs", "entra-id"}, u.Provider) {
		k.missing("issuerURL", issuer)
	}
	if u.ClientID == "" {
		k.missing("clientID", "write the name that the provider knows this cluster by")
	}
	k.domains("hosts", u.Hosts, "write the names that serve the sign-in, such as [auth.example.com]")
	if u.Class == "" {
		k.missing("class", "add addons.ingress: its class serves the sign-in")
	}
	k.class(u.Class, a)
	checkAuthIssuer(k, a)
	checkWhoMayEnter(k, u)
	checkCookieDomains(k, u)
	for _, flag := range slices.Sorted(maps.Keys(u.Options)) {
		path := "options[" + flag + "]"
		setting, taken := settingOf()[flag]
		switch {
		case taken && setting == "":
			k.add(path, flag, "is a flag that kbm itself sets", "take it out")
		case taken:
			k.add(path, flag, "is a flag that kbm itself sets", "write "+setting+" in the section instead")
		case strings.HasPrefix(flag, "-"):
			k.add(path, flag, "has dashes in front", "write "+strings.TrimLeft(flag, "-"))
		case !flagName.MatchString(flag):
			k.add(path, flag, "is not a flag of oauth2-proxy", "write one such as github-org")
		}
	}
}

// checkAuthIssuer: the cookie of a sign-in is sent over HTTPS only.
func checkAuthIssuer(k checker, a Addons) {
	known := []string{}
	if a.Certs != nil {
		for _, i := range a.Certs.Issuers {
			known = append(known, i.Name)
		}
	}
	switch {
	case a.Auth.Issuer == "":
		k.missing("issuer", "add addons.certs with an issuer: a sign-in needs HTTPS")
	case len(known) == 0:
		k.add("issuer", a.Auth.Issuer, "is an issuer that does not exist: there is no addons.certs", "add it")
	case !slices.Contains(known, a.Auth.Issuer):
		k.add("issuer", a.Auth.Issuer, "is not an issuer of addons.certs", alternatives(known))
	}
}

func checkWhoMayEnter(k checker, u *Auth) {
	if len(u.EmailDomains) == 0 {
		k.missing("emailDomains", `say who may enter: the domains of their email, such as [example.com], or ["*"] for all whom the provider knows`)
	}
	for i, domain := range u.EmailDomains {
		if domain != "*" {
			k.domain(fmt.Sprintf("emailDomains[%d]", i), strings.TrimPrefix(domain, "."))
		}
	}
}

// checkCookieDomains: a browser takes a cookie for the domain of the host that
// sets it, and for no top-level one.
func checkCookieDomains(k checker, u *Auth) {
	for i, text := range u.CookieDomains {
		path, domain := fmt.Sprintf("cookieDomains[%d]", i), strings.TrimPrefix(text, ".")
		wrong, right := domainFault(domain)
		switch {
		case wrong != "":
			k.add(path, text, wrong, right)
		case !strings.Contains(domain, "."):
			k.add(path, text, "is a domain that browsers take no cookie for", "write one of your own, such as .example.com")
		case !slices.ContainsFunc(u.Hosts, func(host string) bool { return within(host, domain) }):
			k.add(path, text, "is a domain that none of hosts is in, so its cookie is never set", "write a domain of "+strings.Join(u.Hosts, " or ")+", or add a host in it")
		}
	}
}
