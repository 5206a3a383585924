package cluster

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// checkAddons checks the sections that are there. What files and environment
// variables hold is not looked at: kbm validate needs no secret.
func checkAddons(k checker, c *Cluster) {
	k, a := k.in("addons"), c.Addons
	if a.Ingress != nil {
		checkIngress(k.in("ingress"), c)
	}
	if a.LoadBalancer != nil {
		checkLoadBalancer(k.in("loadBalancer"), c)
	}
	if a.DNS != nil {
		checkDNS(k.in("dns"), a.DNS)
	}
	if a.Certs != nil {
		checkCerts(k.in("certs"), a)
	}
	if a.Auth != nil {
		checkAuth(k.in("auth"), a)
	}
	if a.Extra != nil {
		checkExtra(k.in("extra"), c)
	}
	checkSources(k, a)
}

// checkSources checks wherever a section names a secret or a file.
func checkSources(k checker, a Addons) {
	k.section = "" // the paths are whole
	for _, s := range a.Secrets() {
		const right = "write {env: NAME} for an environment variable, or {file: NAME.age} for an age-encrypted file"
		switch {
		case s.Env == "" && s.File == "":
			k.missing(s.Path, right)
		case s.Env != "" && s.File != "":
			k.add(s.Path, "", "has both env and file", "keep one")
		case s.Env != "" && !isEnvName(s.Env):
			// It is not shown: it may be the secret.
			k.add(s.Path+".env", "", "is not the name of an environment variable", "write one such as CF_API_TOKEN; the value itself never stands here")
		case s.File != "" && !strings.HasSuffix(s.File, ".age"):
			k.add(s.Path+".file", s.File, "is not an age-encrypted file", "encrypt it, and name it with .age at the end: age -r RECIPIENT -o "+s.File+".age "+s.File)
		case s.File != "":
			k.local(s.Path+".file", s.File)
		}
	}
	for _, f := range a.LocalFiles() {
		k.local(f.Path, f.Name)
	}
}

// local checks the name of a file in the cluster's folder: with it, the folder
// can be taken to another computer as a whole.
func (k checker) local(path, name string) {
	if !filepath.IsLocal(name) {
		k.add(path, name, "is not inside the cluster's folder", "put it there, and write its name relative to the folder, such as "+filepath.Base(name))
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func isEnvName(name string) bool { return envName.MatchString(name) }

// names checks what each item of a list is called: a DNS label, and its own.
func (k checker) names(list string, names []string, example string) {
	for i, name := range names {
		at := k.in(list, i)
		switch {
		case name == "":
			at.missing("name", "write one such as "+example)
		case len(validation.IsDNS1123Label(name)) > 0:
			at.add("name", name, "is not a name", "use up to 63 lower case letters, digits and '-', with a letter or digit at both ends")
		case slices.Contains(names[:i], name):
			at.add("name", name, "is there twice", "give each a name of its own")
		}
	}
}

// domain checks the name of a DNS zone or of a host, without a wildcard.
func (k checker) domain(path, name string) {
	if wrong, right := domainFault(name); wrong != "" {
		k.add(path, name, wrong, right)
	}
}

func domainFault(name string) (wrong, right string) {
	wrong, right = hostFault(name)
	switch {
	case wrong == "" && (looksNumeric(name) || strings.Contains(name, ":")):
		return "is not a DNS name", "write one such as home.example.com"
	case right == rightHost:
		right = "write a DNS name, such as home.example.com"
	}
	return wrong, right
}

// domains checks a list that needs one at least, each once.
func (k checker) domains(path string, names []string, right string) {
	if len(names) == 0 {
		k.missing(path, right)
	}
	k.someDomains(path, names)
}

// someDomains is domains for a list that may be empty.
func (k checker) someDomains(path string, names []string) {
	for i, name := range names {
		at := fmt.Sprintf("%s[%d]", path, i)
		if slices.Contains(names[:i], name) {
			k.add(at, name, "is there twice", "keep one")
			continue
		}
		k.domain(at, name)
	}
}

// within tells whether a DNS name is a domain, or below it.
func within(name, domain string) bool {
	return name == domain || strings.HasSuffix(name, "."+domain)
}
