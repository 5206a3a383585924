package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Minors lists the supported releases, oldest first.
func Minors() []string { return []string{"v1.36", "v1.37"} }

var release = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$`)

func checkIdentity(k checker, c *Cluster) {
	switch {
	case c.Name == "":
		k.missing("name", "write a short name, such as home")
	case len(validation.IsDNS1123Label(c.Name)) > 0:
		k.add("name", c.Name, "is not a name", "use up to 63 lower case letters, digits and '-', with a letter or digit at both ends")
	}
	checkVersion(k, c.Kubernetes.Version)
	k.system("os", c.OS)
	k.media(c.Media)
}

func checkVersion(k checker, version string) {
	supported := "kbm supports " + strings.Join(Minors(), " and ")
	minor := version[:max(strings.LastIndexByte(version, '.'), 0)]
	switch {
	case release.MatchString("v" + version):
		k.add("kubernetes.version", version, "lacks the v in front", "write v"+version)
	case !release.MatchString(version):
		k.add("kubernetes.version", version, "is not a release", "write one such as "+DefaultVersion+": "+supported)
	case !slices.Contains(Minors(), minor):
		k.add("kubernetes.version", version, "is not supported", "write one such as "+DefaultVersion+": "+supported)
	}
}

func (k checker) system(path, name string) {
	if _, known := FindOS(name); !known {
		k.add(path, name, "is not an operating system that kbm knows", alternatives(OSNames()))
	}
}

func (k checker) media(name string) {
	if name != "" {
		k.oneOf("media", name, MediaTargets())
	}
}

// Algorithms lists the kinds of key that kbm makes, the default first.
func Algorithms() []string {
	return []string{DefaultAlgorithm, "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096"}
}

// PodProfiles lists the pod security standards, from open to closed.
func PodProfiles() []string { return []string{"privileged", DefaultPodProfile, "restricted"} }

func checkPKI(k checker, c *Cluster) {
	k.oneOf("pki.algorithm", c.PKI.Algorithm, Algorithms())
	k.oneOf("security.podSecurity", c.Security.PodSecurity, PodProfiles())
	for i, san := range c.PKI.ExtraSANs {
		// A certificate, unlike an endpoint, may name every host of a domain.
		if wrong, right := hostFault(strings.TrimPrefix(san, "*.")); wrong != "" {
			k.add(fmt.Sprintf("pki.extraSANs[%d]", i), san, wrong, right)
		}
	}
	for i, r := range c.Secrets.Recipients {
		checkRecipient(k, fmt.Sprintf("secrets.recipients[%d]", i), r)
	}
}

// alternatives is "write a", "write a or b", "write one of a, b, c".
func alternatives(all []string) string {
	if len(all) > 2 {
		return "write one of " + strings.Join(all, ", ")
	}
	return "write " + strings.Join(all, " or ")
}

func (k checker) oneOf(path, value string, all []string) {
	switch right := alternatives(all); {
	case value == "":
		k.missing(path, right)
	case !slices.Contains(all, value):
		k.add(path, value, "is not one that kbm knows", right)
	}
}
