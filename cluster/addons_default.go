package cluster

import "slices"

// The ways in that an ingress class has.
const (
	HostNetwork         = "hostNetwork"
	ThroughLoadBalancer = "loadBalancer"
	NodePort            = "nodePort"
)

// The ways in which a pool's addresses become known.
const (
	Layer2 = "layer2"
	BGP    = "bgp"
)

// The providers of records.
const (
	ProviderCloudflare = "cloudflare"
	ProviderRoute53    = "route53"
	ProviderRFC2136    = "rfc2136"
	ProviderWebhook    = "webhook"
)

// The short names of Let's Encrypt's ACME servers.
const (
	ACMEStaging    = "staging"
	ACMEProduction = "production"
)

// withDefaults fills in what was left out, in copies: see Cluster.WithDefaults.
// The cluster has its other defaults already.
func (a Addons) withDefaults(c *Cluster) Addons {
	a.Ingress = changed(a.Ingress, (*Ingress).fill)
	a.LoadBalancer = changed(a.LoadBalancer, (*LoadBalancer).fill)
	a.DNS = changed(a.DNS, func(d *DNS) { d.fill(c.Name) })
	a.Certs = changed(a.Certs, func(s *Certs) { s.fill(a) })
	a.Auth = changed(a.Auth, func(u *Auth) { u.fill(a) })
	a.Extra = changed(a.Extra, (*Extra).fill)
	return a
}

// changed is a copy of a section after a change, or nil where there is none.
func changed[T any](section *T, change func(*T)) *T {
	if section == nil {
		return nil
	}
	copied := *section
	change(&copied)
	return &copied
}

func (i *Ingress) fill() {
	i.Classes = slices.Clone(i.Classes)
	for n := range i.Classes {
		class := &i.Classes[n]
		fill(&class.Expose, HostNetwork)
		fill(&class.Replicas, 2)
		switch class.Expose {
		case HostNetwork:
			if len(class.Roles) == 0 {
				class.Roles = []Role{Edge}
			}
		case NodePort:
			fill(&class.HTTPNodePort, 30080)
			fill(&class.HTTPSNodePort, 30443)
		}
	}
	// One class alone is what everything means that names none.
	if len(i.Classes) == 1 {
		i.Classes[0].Default = true
	}
}

func (l *LoadBalancer) fill() {
	l.Pools = slices.Clone(l.Pools)
	for n := range l.Pools {
		fill(&l.Pools[n].Protocol, Layer2)
		fillOn(&l.Pools[n].AutoAssign)
	}
	l.Peers = slices.Clone(l.Peers)
	for n := range l.Peers {
		fill(&l.Peers[n].Port, 179)
	}
}

func (d *DNS) fill(owner string) {
	fill(&d.Owner, owner)
	fill(&d.Policy, "sync")
	fill(&d.Interval, "1m")
	d.Route53 = changed(d.Route53, func(r *Route53) { fill(&r.Region, "us-east-1") })
	d.RFC2136 = changed(d.RFC2136, func(r *RFC2136) {
		fill(&r.Algorithm, "hmac-sha256")
		if len(r.Zones) == 0 {
			r.Zones = slices.Clone(d.Domains)
		}
	})
}

func (s *Certs) fill(a Addons) {
	s.Issuers = slices.Clone(s.Issuers)
	if len(s.Issuers) == 0 {
		s.standard = true
		if s.Email != "" {
			s.Issuers = []Issuer{
				s.letsEncrypt(ACMEStaging, a),
				s.letsEncrypt(ACMEProduction, a),
			}
		}
		s.Issuers = append(s.Issuers, Issuer{Name: "private-ca", PrivateCA: true})
	}
	for n := range s.Issuers {
		if issuer := &s.Issuers[n]; !issuer.PrivateCA {
			fill(&issuer.Email, s.Email)
		}
	}
}

// letsEncrypt proves names by HTTP-01 through the default class, and those in
// the zones of the DNS provider by DNS-01.
func (s *Certs) letsEncrypt(server string, a Addons) Issuer {
	issuer := Issuer{Name: "letsencrypt-" + server, Server: server, Class: a.DefaultClass()}
	if a.DNS != nil && a.DNS.ProvesZones() {
		issuer.DNS01 = slices.Clone(a.DNS.Domains)
	}
	return issuer
}

func (u *Auth) fill(a Addons) {
	fill(&u.Provider, "oidc")
	fill(&u.Class, a.DefaultClass())
	if a.Certs != nil {
		fill(&u.Issuer, a.Certs.DefaultIssuer())
	}
}

func (e *Extra) fill() {
	e.TLS, e.HTPasswd = slices.Clone(e.TLS), slices.Clone(e.HTPasswd)
	for n := range e.TLS {
		fill(&e.TLS[n].Namespace, "default")
	}
	for n := range e.HTPasswd {
		fill(&e.HTPasswd[n].Namespace, "default")
	}
}
