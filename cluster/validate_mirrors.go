package cluster

import (
	"maps"
	"net/url"
	"slices"
	"strings"
)

func checkMirrors(k checker, mirrors map[string]string) {
	for _, host := range slices.Sorted(maps.Keys(mirrors)) {
		wrong, right := MirrorFault(mirrors[host])
		if wrong == "" {
			continue
		}
		shown := mirrors[host]
		if strings.Contains(shown, "@") {
			shown = "" // it may hold a password
		}
		k.add(host, shown, wrong, right)
	}
}

// MirrorFault tells why a URL cannot stand for a host that releases or images
// are published on; both results are empty when it can.
func MirrorFault(mirror string) (wrong, right string) {
	u, err := url.Parse(mirror)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return "is not a URL", "make it https://HOST[:PORT][/PATH]"
	case u.User != nil:
		return "has a user in it", "leave it out; for a registry, log in with docker login"
	case u.RawQuery != "" || u.Fragment != "":
		return "has something behind its path", "leave that out"
	}
	return "", ""
}
