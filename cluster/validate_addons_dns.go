package cluster

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// Providers lists the ways to keep records.
func Providers() []string {
	return []string{ProviderCloudflare, ProviderRoute53, ProviderRFC2136, ProviderWebhook}
}

// Policies lists what becomes of a record that nothing asks for any more.
func Policies() []string { return []string{"sync", "upsert-only"} }

// TSIGAlgorithms lists what external-dns signs updates with. MD5 is not among
// them (RFC 8945, section 6).
func TSIGAlgorithms() []string {
	return []string{"hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512"}
}

// ZoneTypes lists the kinds of zone of Route 53.
func ZoneTypes() []string { return []string{"public", "private"} }

// leastInterval spares the providers, which count requests.
const leastInterval = 10 * time.Second

var (
	// ownerName is what fits in a TXT record of external-dns's form.
	ownerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	// What AWS calls its users' keys and its regions.
	accessKey = regexp.MustCompile(`^[A-Z0-9]{16,128}$`)
	awsRegion = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]+$`)
)

func checkDNS(k checker, d *DNS) {
	k.domains("domains", d.Domains, "write the domains that records are kept in, such as [example.com]")
	k.oneOf("policy", d.Policy, Policies())
	if !ownerName.MatchString(d.Owner) {
		k.add("owner", d.Owner, "cannot stand in a TXT record", "use up to 63 letters, digits, '-', '_' and '.'")
	}
	switch every, err := time.ParseDuration(d.Interval); {
	case err != nil:
		k.add("interval", d.Interval, "is not a length of time", "write one such as 1m")
	case every < leastInterval:
		k.add("interval", d.Interval, "is too short for the providers' limits", "write 10s or more, such as 1m")
	}
	k.oneOf("provider", d.Provider, Providers())
	if !slices.Contains(Providers(), d.Provider) {
		return
	}
	sections := map[string]bool{
		ProviderCloudflare: d.Cloudflare != nil, ProviderRoute53: d.Route53 != nil,
		ProviderRFC2136: d.RFC2136 != nil, ProviderWebhook: d.Webhook != nil,
	}
	for _, provider := range Providers() {
		switch {
		case provider == d.Provider && !sections[provider]:
			k.missing(provider, "the provider needs it: kbm addons explain dns tells what stands in it")
		case provider != d.Provider && sections[provider]:
			k.add(provider, "", "is not used with provider: "+d.Provider, "take it out, or write provider: "+provider)
		}
	}
	if d.Route53 != nil {
		checkRoute53(k.in("route53"), d.Route53)
	}
	if d.RFC2136 != nil {
		checkRFC2136(k.in("rfc2136"), d)
	}
	if d.Webhook != nil {
		checkWebhook(k.in("webhook"), d.Webhook)
	}
}

func checkRoute53(k checker, r *Route53) {
	const right = "write the access key ID of a user who may change the zones, such as AKIAIOSFODNN7EXAMPLE"
	switch {
	case r.AccessKeyID == "":
		k.missing("accessKeyID", right)
	case !accessKey.MatchString(r.AccessKeyID):
		k.add("accessKeyID", "", "is not an access key ID", right) // it may be the secret
	}
	if !awsRegion.MatchString(r.Region) {
		k.add("region", r.Region, "is not a region of AWS", "write one such as us-east-1")
	}
	if r.ZoneType != "" {
		k.oneOf("zoneType", r.ZoneType, ZoneTypes())
	}
}

func checkRFC2136(k checker, d *DNS) {
	r := d.RFC2136
	k.hostPort("server", r.Server, "write the name server's address, such as 192.168.1.53 or 192.168.1.53:5353")
	k.someDomains("zones", r.Zones)
	for i, zone := range r.Zones {
		related := func(domain string) bool { return within(domain, zone) || within(zone, domain) }
		if !slices.ContainsFunc(d.Domains, related) {
			k.add(fmt.Sprintf("zones[%d]", i), zone, "has nothing to do with addons.dns.domains: "+strings.Join(d.Domains, ", "), "write the zones that the domains are in")
		}
	}
	if r.KeyName == "" {
		k.missing("keyName", "write the name of the TSIG key, as tsig-keygen prints it")
	} else {
		k.domain("keyName", strings.TrimSuffix(r.KeyName, "."))
	}
	k.oneOf("algorithm", r.Algorithm, TSIGAlgorithms())
}

func checkWebhook(k checker, w *DNSWebhook) {
	const right = "write a registry, a name and a tag or digest, such as example.com/hetzner-webhook:v1"
	ref, err := name.ParseReference(w.Image, name.StrictValidation)
	switch {
	case w.Image == "":
		k.missing("image", right)
	case err != nil:
		k.add("image", w.Image, "is not the whole name of an image", right)
	case ref.Identifier() == "latest":
		k.add("image", w.Image, "is another image from day to day", right)
	}
	for _, key := range slices.Sorted(maps.Keys(w.Env)) {
		k.envKey("env["+key+"]", key)
		if _, secret := w.SecretEnv[key]; secret {
			k.add("env["+key+"]", "", "is also in secretEnv", "keep one")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.SecretEnv)) {
		k.envKey("secretEnv["+key+"]", key)
	}
}

func (k checker) envKey(path, key string) {
	if !isEnvName(key) {
		k.add(path, key, "is not the name of an environment variable", "write one such as HETZNER_TOKEN")
	}
}

// hostPort checks HOST or HOST:PORT, an address of IPv6 with a port in brackets.
func (k checker) hostPort(path, text, right string) {
	host := text
	if h, port, err := net.SplitHostPort(text); err == nil {
		host = h
		if !isPort(port) {
			k.add(path, text, "has no valid port", right)
			return
		}
	}
	if text == "" {
		k.missing(path, right)
	} else if wrong, _ := hostFault(host); wrong != "" {
		k.add(path, text, wrong, right)
	}
}
