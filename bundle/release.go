package bundle

import (
	"fmt"
	"slices"
	"strings"
)

// DefaultKubernetes is the version that a new cluster gets.
const DefaultKubernetes = "v1.37.1"

// release is a Kubernetes version that can be built: its tool module pins the
// sources, and the test image goes with it.
type release struct {
	version, major, minor string
	module                string
	agnhost               string
}

func releases() []release {
	return []release{
		{version: DefaultKubernetes, major: "1", minor: "37", module: "kubernetes-1.37", agnhost: "2.66.1"},
		{version: "v1.36.4", major: "1", minor: "36", module: "kubernetes-1.36", agnhost: "2.63.0"},
	}
}

// Supported lists the Kubernetes versions that Build knows, the default first.
func Supported() []string {
	var versions []string
	for _, r := range releases() {
		versions = append(versions, r.version)
	}
	return versions
}

func releaseOf(version string) (release, error) {
	all := releases()
	i := slices.IndexFunc(all, func(r release) bool { return r.version == version })
	if i < 0 {
		return release{}, fmt.Errorf("kubernetes %s is not one of the versions that this kbm knows: the versions are %s", version, strings.Join(Supported(), ", "))
	}
	return all[i], nil
}

// ldflags give the binaries their version, as upstream's release scripts do.
func (r release) ldflags() string {
	var flags []string
	for _, pkg := range []string{"k8s.io/component-base/version", "k8s.io/client-go/pkg/version"} {
		flags = append(flags,
			"-X", pkg+".gitVersion="+r.version, "-X", pkg+".gitMajor="+r.major,
			"-X", pkg+".gitMinor="+r.minor, "-X", pkg+".gitTreeState=archive")
	}
	return strings.Join(flags, " ")
}
