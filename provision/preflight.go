package provision

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/ignition"
)

// PreflightNode is what is known of one machine before anything is written.
type PreflightNode struct {
	Node    *cluster.Node
	Machine ignition.Machine
	Facts   Facts
	Plan    NodePlan
}

// Problem is a reason why a machine will not become the node it shall be.
type Problem struct {
	Node string
	What string
	Cure string
	// Warning problems are shown and do not stop anything.
	Warning bool
}

func (p Problem) String() string { return p.Node + ": " + p.What + ": " + p.Cure }
func (p Problem) Error() string  { return p.String() }

// The least that a controller needs, and what it should have. kubeadm asks for
// 2 CPUs and 1700 MB, and refuses less; a small controller does start.
const (
	leastMemory  = 1 << 30 * 9 / 10 // 1 GiB, less what the kernel keeps for itself
	enoughMemory = 1700 << 20
	enoughCPUs   = 2
	maxSkew      = 2 * time.Minute
)

// Preflight finds every problem of every machine at once. It reads nothing but
// its input; arch is the bundle's, in Go's spelling.
func Preflight(c *cluster.Cluster, arch string, nodes []PreflightNode) []Problem {
	var all []Problem
	for _, n := range nodes {
		checks := []func(*cluster.Cluster, PreflightNode) []Problem{
			checkSystem, checkClock, checkSize, checkAddress, checkNetworks, checkPorts, checkDisks, checkFirewall,
		}
		all = append(all, checkArch(arch, n)...)
		for _, check := range checks {
			for _, p := range check(c, n) {
				p.Node = n.Node.Name
				all = append(all, p)
			}
		}
	}
	return append(all, checkTwins(nodes)...)
}

func checkArch(arch string, n PreflightNode) []Problem {
	names := map[string]string{"x86_64": "amd64", "aarch64": "arm64"}
	if names[n.Facts.Arch] == arch {
		return nil
	}
	return []Problem{{
		Node: n.Node.Name, What: fmt.Sprintf("its processor is %s, and the bundle is for %s", n.Facts.Arch, arch),
		Cure: "use a bundle for its architecture (bundle.dir)",
	}}
}

func checkSystem(c *cluster.Cluster, n PreflightNode) (found []Problem) {
	f := n.Facts
	if !f.Systemd {
		found = append(found, Problem{What: "it was not booted by systemd", Cure: "use one of the supported operating systems"})
	}
	missing := slices.DeleteFunc(slices.Clone(f.Missing), func(tool string) bool {
		// kube-proxy brings its own.
		return tool == "nft" && !c.HasFirewall(n.Node)
	})
	if len(missing) > 0 {
		found = append(found, Problem{What: "it has no " + strings.Join(missing, ", "), Cure: "install what is missing"})
	}
	if len(f.Swap) > 0 {
		found = append(found, Problem{
			What: "it swaps to " + strings.Join(f.Swap, ", ") + ", and the kubelet does not start with swap",
			Cure: "run `swapoff -a` there and take the swap out of /etc/fstab",
		})
	}
	var major, minor int
	if _, err := fmt.Sscanf(f.Kernel, "%d.%d", &major, &minor); err == nil && (major < 5 || major == 5 && minor < 13) {
		found = append(found, Problem{
			What: "its kernel is " + f.Kernel + ", and kube-proxy's nftables mode needs 5.13", Cure: "use a newer kernel",
		})
	}
	if f.Cgroup == 1 && !f.CgroupV1 {
		found = append(found, Problem{
			What: "it uses cgroup v1, with which the kubelet does not start",
			Cure: "boot it with systemd.unified_cgroup_hierarchy=1",
		})
	}
	return found
}

func checkClock(_ *cluster.Cluster, n PreflightNode) []Problem {
	off := n.Facts.ClockOffset
	if off.Abs()-n.Facts.ClockError <= maxSkew {
		return nil
	}
	word := "ahead of"
	if off < 0 {
		word = "behind"
	}
	return []Problem{{
		What: fmt.Sprintf("its clock is %s %s this computer's, so that certificates are not valid there", off.Abs().Round(time.Second), word),
		Cure: "set the clock, and let systemd-timesyncd or chrony keep it",
	}}
}

func checkSize(_ *cluster.Cluster, n PreflightNode) []Problem {
	f := n.Facts
	if n.Node.Role != cluster.Controller {
		return nil
	}
	memory := fmt.Sprintf("it has %d MiB of memory", f.Memory>>20)
	switch {
	case f.Memory < leastMemory:
		return []Problem{{What: memory, Cure: "a controller needs 1 GiB"}}
	case f.Memory < enoughMemory:
		return []Problem{{Warning: true, What: memory, Cure: "a controller should have 1700 MiB"}}
	case f.CPUs < enoughCPUs:
		return []Problem{{Warning: true, What: fmt.Sprintf("it has %d CPU", f.CPUs), Cure: "a controller should have 2"}}
	}
	return nil
}
