//go:build lab

package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// podIPs are the addresses of the probes by their nodes.
func podIPs(t *testing.T, c *harness.Cluster) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, pod := range pods(t, c, "e2e") {
		if pod.ready() && strings.HasPrefix(pod.Metadata.Name, "probe-") {
			all[pod.Spec.NodeName] = pod.Status.PodIP
		}
	}
	for _, node := range c.Nodes {
		if all[node.Name] == "" {
			t.Fatalf("no probe is ready on %s", node.Name)
		}
	}
	return all
}

// Every pod and every node reaches every pod, by its own address, by its
// Service and by the Service's port on every node: across nodes in both
// directions, on the same node, and a pod itself. From outside the ports answer.
func podsAndServices(t *testing.T, c *harness.Cluster) {
	ips := podIPs(t, c)
	var targets, ports []target
	for i, node := range c.Nodes {
		host := "probe-" + node.Name
		service := c.Kubectl(t, "-n", "e2e", "get", "service", "on-"+node.Name, "-o", "jsonpath={.spec.clusterIP}")
		targets = append(targets,
			target{"pod on " + node.Name, "http://" + ips[node.Name] + ":8080", host},
			target{"service of " + host, "http://" + service, host})
		for _, via := range c.Nodes {
			ports = append(ports, target{host + " through " + via.Name, fmt.Sprintf("http://%s:%d", via.Address, nodePort(i)), host})
		}
	}
	targets = append(targets, ports...)
	for _, node := range c.Nodes {
		answered(t, "pod on "+node.Name, targets, inProbe(t, c, node.Name, ask(targets)))
		answered(t, "host "+node.Name, targets, c.On(t, node.Name, ask(targets)))
	}
	answered(t, "outside", ports, c.Exec(t, "sh", "-euc", ask(ports)).Stdout)
}

// Names in the pod's own namespace, in another one, of single pods behind a
// headless Service, and of the API server, whose certificate has to fit.
func dns(t *testing.T, c *harness.Cluster) {
	var targets []target
	for _, node := range c.Nodes {
		host := "probe-" + node.Name
		targets = append(targets,
			target{"service", "http://on-" + node.Name, host},
			target{"service with namespace", "http://on-" + node.Name + ".e2e", host},
			target{"full name of service", "http://on-" + node.Name + ".e2e.svc.cluster.local", host},
			target{"pod behind headless service", "http://" + host + ".probes:8080", host})
	}
	ips := podIPs(t, c)
	clusterDNS := c.Kubectl(t, "-n", "kube-system", "get", "service", "kube-dns", "-o", "jsonpath={.spec.clusterIP}")
	for _, node := range c.Nodes {
		answered(t, "pod on "+node.Name, targets, inProbe(t, c, node.Name, ask(targets)))
		const api = `curl -sS --cacert /var/run/secrets/kubernetes.io/serviceaccount/ca.crt https://kubernetes.default/readyz`
		if got := inProbe(t, c, node.Name, api); got != "ok" {
			t.Errorf("the API server to a pod on %s: %q", node.Name, got)
		}
		all := inProbe(t, c, node.Name, "nslookup probes.e2e.svc.cluster.local "+clusterDNS)
		for _, other := range c.Nodes {
			if !strings.Contains(all, ips[other.Name]) {
				t.Errorf("headless service asked from %s: no %s in\n%s", node.Name, ips[other.Name], all)
			}
		}
	}
	// From a namespace of its own a pod asks for a Service of another.
	c.Apply(t, strings.Replace(podOn("asker", "elsewhere", c.Nodes[1].Name, agnhost(t, c)), "pause", "netexec", 1))
	c.Kubectl(t, "-n", "elsewhere", "wait", "--for=condition=Ready", "pod/asker", "--timeout=1m")
	if got := c.Kubectl(t, "-n", "elsewhere", "exec", "asker", "--", "curl", "-sS", "--max-time", "5", "http://on-w1.e2e/hostname"); got != "probe-w1" {
		t.Errorf("service in another namespace: %q", got)
	}
	c.Kubectl(t, "-n", "elsewhere", "delete", "pod/asker", "--now", "--wait=false")
}

func podOn(name, namespace, node, image string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Pod\nmetadata: {name: %s, namespace: %s}\nspec:\n  nodeName: %s\n  containers: [{name: c, image: %q, imagePullPolicy: Never, args: [pause]}]\n", name, namespace, node, image)
}

// The largest packet that fits the pods' network crosses it, and a request and
// an answer of many such packets do.
func largePackets(t *testing.T, c *harness.Cluster) {
	ips := podIPs(t, c)
	for _, from := range c.Nodes {
		for _, to := range c.Nodes {
			if from.Name == to.Name {
				continue
			}
			// 8 bytes are ICMP's header, 20 that of IP.
			script := `mtu=$(cat /sys/class/net/eth0/mtu); test "$mtu" = 1450
ping -c 1 -W 3 -s $((mtu - 28)) ` + ips[to.Name] + ` >&2
msg=$(head -c 50000 /dev/zero | tr '\0' x)
curl -sS --max-time 10 "http://probe-` + to.Name + `.probes:8080/echo?msg=$msg" | wc -c`
			if got := inProbe(t, c, from.Name, script); got != "50000" {
				t.Errorf("%s to %s: an echo of 50000 bytes has %s", from.Name, to.Name, got)
			}
		}
	}
}
