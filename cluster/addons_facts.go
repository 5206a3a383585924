package cluster

import (
	"reflect"
	"slices"
)

// Enabled lists the addons whose section is there, by the names of their folders.
func (a Addons) Enabled() []string {
	names := []string{}
	v := reflect.ValueOf(a)
	for i := range v.NumField() {
		if !v.Field(i).IsNil() {
			names = append(names, v.Type().Field(i).Tag.Get("addon"))
		}
	}
	return names
}

// OptionalAddons lists every addon that a section turns on, by the names of
// their folders, in the order of the file.
func OptionalAddons() []string {
	names := []string{}
	t := reflect.TypeFor[Addons]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("addon"))
	}
	return names
}

// DefaultClass is the class of an Ingress that names none, or else the first;
// empty without an ingress.
func (a Addons) DefaultClass() string {
	if a.Ingress == nil || len(a.Ingress.Classes) == 0 {
		return ""
	}
	for _, class := range a.Ingress.Classes {
		if class.Default {
			return class.Name
		}
	}
	return a.Ingress.Classes[0].Name
}

// DefaultIssuer is the first issuer that is not for trials; empty without any.
func (s *Certs) DefaultIssuer() string {
	for _, issuer := range s.Issuers {
		if issuer.Server != ACMEStaging {
			return issuer.Name
		}
	}
	return ""
}

// ProvesZones tells whether cert-manager can prove names through the provider:
// it has no way to speak to a webhook of external-dns.
func (d *DNS) ProvesZones() bool {
	return slices.Contains([]string{ProviderCloudflare, ProviderRoute53, ProviderRFC2136}, d.Provider)
}

// ServiceMonitors tells whether addons with metrics get a ServiceMonitor.
func (a Addons) ServiceMonitors() bool { return a.Metrics != nil && a.Metrics.ServiceMonitors }

// AddressesOf lists the addresses of the nodes that have one of the roles, in
// the order of their names.
func (c *Cluster) AddressesOf(roles ...Role) []string {
	addresses := []string{}
	for i := range c.Nodes {
		if slices.Contains(roles, c.Nodes[i].Role) {
			addresses = append(addresses, c.Nodes[i].IP().String())
		}
	}
	return addresses
}

// HasPrivateCA tells whether an issuer signs with a root that kbm makes.
func (c *Cluster) HasPrivateCA() bool {
	return c.Addons.Certs != nil && slices.ContainsFunc(c.Addons.Certs.Issuers, func(i Issuer) bool { return i.PrivateCA })
}

// Published are the addresses that the Ingress objects of a class show. None
// means those of its Service.
func (c *Cluster) Published(class IngressClass) []string {
	if len(class.Publish) == 0 && class.Expose == HostNetwork {
		return c.AddressesOf(class.Roles...)
	}
	return class.Publish
}

// HostNetworkRoles lists the roles of the nodes whose ports 80 and 443 belong
// to an ingress class.
func (i *Ingress) HostNetworkRoles() []Role {
	var roles []Role
	if i == nil {
		return roles
	}
	for _, class := range i.Classes {
		if class.Expose == HostNetwork {
			roles = append(roles, class.Roles...)
		}
	}
	return roles
}

// AddonSection is the YAML path of the section that turns an addon on; empty
// for an addon that has none.
func AddonSection(addon string) string {
	t := reflect.TypeFor[Addons]()
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("addon") == addon {
			return "addons." + jsonName(f)
		}
	}
	return ""
}
