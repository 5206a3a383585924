package cluster

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

func checkExtra(k checker, c *Cluster) {
	e := c.Addons.Extra
	for i, file := range e.Manifests {
		if strings.TrimSpace(file) == "" {
			k.missing(fmt.Sprintf("manifests[%d]", i), "write a file or folder of YAML, such as manifests")
		}
	}
	taken := map[string]string{}
	secret := func(list string, i int, name, namespace string) {
		at := k.in(list, i)
		at.kubeName("name", name, validation.IsDNS1123Subdomain)
		at.kubeName("namespace", namespace, validation.IsDNS1123Label)
		id := namespace + "/" + name
		if other, clash := taken[id]; clash {
			at.add("name", id, "is also the Secret of "+other, "give each a name of its own")
		}
		taken[id] = at.section
	}
	for i, t := range e.TLS {
		secret("tls", i, t.Name, t.Namespace)
		at := k.in("tls", i)
		at.present("cert", t.Cert, "write the file of the certificate, such as app.crt")
		at.present("key", t.Key, "write the file of its key, such as app.key.age")
		// As for kbm's own keys: where there are recipients, none lies in plain.
		if len(c.Secrets.Recipients) > 0 && t.Key != "" && !strings.HasSuffix(t.Key, ".age") {
			at.add("key", t.Key, "would lie in plain, though secrets.recipients is set", "encrypt it with age, and name it with .age at the end")
		}
	}
	for i, h := range e.HTPasswd {
		secret("htpasswd", i, h.Name, h.Namespace)
		k.in("htpasswd", i).present("file", h.File, "write a file that htpasswd made, such as auth")
	}
}

func (k checker) present(path, value, right string) {
	if value == "" {
		k.missing(path, right)
	}
}

func (k checker) kubeName(path, name string, faults func(string) []string) {
	switch {
	case name == "":
		k.missing(path, "write one such as app-tls")
	case len(faults(name)) > 0:
		k.add(path, name, "is not a name of Kubernetes", "use lower case letters, digits and '-'")
	}
}
