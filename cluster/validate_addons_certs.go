package cluster

import (
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// certManagerAlgorithms are those of TSIGAlgorithms that cert-manager has too.
func certManagerAlgorithms() []string { return []string{"hmac-sha1", "hmac-sha256", "hmac-sha512"} }

func checkCerts(k checker, a Addons) {
	s := a.Certs
	k.email("email", s.Email)
	for i, resolver := range s.Resolvers {
		const right = "write ADDRESS:PORT, such as 1.1.1.1:53"
		if !strings.Contains(resolver, ":") {
			k.add(fmt.Sprintf("resolvers[%d]", i), resolver, "has no port", right)
			continue
		}
		k.hostPort(fmt.Sprintf("resolvers[%d]", i), resolver, right)
	}
	names := make([]string, len(s.Issuers))
	for i := range s.Issuers {
		names[i] = s.Issuers[i].Name
	}
	k.names("issuers", names, "letsencrypt-production")
	if s.standard && s.Email != "" && !s.Issuers[0].provesNames() {
		k.add("email", s.Email, "brings Let's Encrypt's issuers, which could prove no name",
			"add addons.ingress for names that the Internet reaches, or addons.dns for others; or list your own issuers")
		return
	}
	for i := range s.Issuers {
		if issuer := &s.Issuers[i]; issuer.PrivateCA {
			checkPrivateCA(k.in("issuers", i), issuer)
		} else {
			checkACME(k.in("issuers", i), issuer, a)
		}
	}
}

func (i *Issuer) provesNames() bool { return i.Class != "" || len(i.DNS01) > 0 }

func checkPrivateCA(k checker, i *Issuer) {
	for _, other := range []struct {
		path string
		set  bool
	}{
		{"server", i.Server != ""},
		{"caFile", i.CAFile != ""},
		{"email", i.Email != ""},
		{"class", i.Class != ""},
		{"dns01", len(i.DNS01) > 0},
	} {
		if other.set {
			k.add(other.path, "", "is not used with privateCA: that one asks no server", "take it out, or privateCA")
		}
	}
}

func checkACME(k checker, i *Issuer, a Addons) {
	const right = "write staging or production for Let's Encrypt, the https:// URL of another ACME server's directory, or privateCA: true"
	short := i.Server == ACMEStaging || i.Server == ACMEProduction
	switch {
	case i.Server == "":
		k.missing("server", right)
	case !short:
		k.https("server", i.Server, right)
	case i.CAFile != "":
		k.add("caFile", i.CAFile, "is not for Let's Encrypt, which the public certificates verify", "take it out")
	}
	if i.Email == "" {
		k.missing("email", "write where the ACME server may reach you, here or in addons.certs.email")
	} else {
		k.email("email", i.Email)
	}
	if !i.provesNames() {
		k.add("", i.Name, "has neither class nor dns01, so it could prove no name",
			"write class: with a class of addons.ingress, dns01: with zones of addons.dns, or privateCA: true")
	}
	k.class(i.Class, a)
	checkDNS01(k, i, a.DNS)
}

func checkDNS01(k checker, i *Issuer, d *DNS) {
	if len(i.DNS01) == 0 {
		return
	}
	k.someDomains("dns01", i.DNS01)
	switch {
	case d == nil:
		k.add("dns01", "", "has no DNS provider to write records with", "add addons.dns, or prove names through a class")
	case slices.Contains(Providers(), d.Provider) && !d.ProvesZones():
		k.add("dns01", "", "cannot write records through provider: "+d.Provider+", which speaks to external-dns only",
			"use "+strings.Join(Providers()[:3], ", ")+", or prove names through a class")
	case d.RFC2136 != nil && slices.Contains(TSIGAlgorithms(), d.RFC2136.Algorithm) && !slices.Contains(certManagerAlgorithms(), d.RFC2136.Algorithm):
		k.add("dns01", "", "would sign with addons.dns.rfc2136.algorithm "+d.RFC2136.Algorithm+", which cert-manager lacks",
			"write algorithm: "+strings.Join(certManagerAlgorithms(), " or "))
	}
}

// class checks a setting class that may be empty.
func (k checker) class(class string, a Addons) {
	if class == "" {
		return
	}
	known := []string{}
	if a.Ingress != nil {
		for _, c := range a.Ingress.Classes {
			known = append(known, c.Name)
		}
	}
	switch {
	case len(known) == 0:
		k.add("class", class, "is a class that nobody serves: there is no ingress", "add addons.ingress with a class of that name")
	case !slices.Contains(known, class):
		k.add("class", class, "is a class that nobody serves", alternatives(known)+", or add the class to addons.ingress")
	}
}

func (k checker) email(path, address string) {
	if address == "" {
		return
	}
	if parsed, err := mail.ParseAddress(address); err != nil || parsed.Address != address || !strings.Contains(address[strings.LastIndexByte(address, '@'):], ".") {
		k.add(path, address, "is not an email address", "write one such as me@example.com")
	}
}

// https checks the URL of a server that secrets are sent to.
func (k checker) https(path, text, right string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		k.add(path, text, "is not the URL of a server", right)
	case u.Scheme != "https":
		k.add(path, text, "is not encrypted on its way", right)
	default:
		if wrong, _ := hostFault(u.Hostname()); wrong != "" {
			k.add(path, text, "names a host that "+wrong, right)
		}
	}
}
