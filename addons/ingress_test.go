package addons

import (
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kbm-dev/kbm/cluster"
)

// inward renders the ingress of a cluster with the classes.
func inward(t *testing.T, classes ...cluster.IngressClass) Addon {
	t.Helper()
	c := &cluster.Cluster{
		Name:     "in",
		Endpoint: cluster.Endpoint{Host: "192.168.1.11"},
		Nodes: []cluster.Node{
			{Name: "cp1", Role: cluster.Controller, Address: "192.168.1.11/24"},
			{Name: "edge1", Role: cluster.Edge, Address: "192.168.1.21/24"},
			{Name: "edge2", Role: cluster.Edge, Address: "192.168.1.22/24"},
		},
		Addons: cluster.Addons{Ingress: &cluster.Ingress{Classes: classes}},
	}
	all, err := Render(c.WithDefaults(), Review{})
	if err != nil {
		t.Fatal(err)
	}
	return all[slices.IndexFunc(all, func(a Addon) bool { return a.Name == "ingress" })]
}

// into decodes the addon's object of a kind and name; it is false without one.
func into(t *testing.T, a Addon, kind, name string, object any) bool {
	t.Helper()
	i := slices.IndexFunc(a.Objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	if i < 0 {
		return false
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(a.Objects[i].Object, object); err != nil {
		t.Fatal(err)
	}
	return true
}

func TestIngressOnTheNodesNetwork(t *testing.T) {
	a := inward(t, cluster.IngressClass{Name: "external", Roles: []cluster.Role{cluster.Edge, cluster.Controller}})
	var set appsv1.DaemonSet
	if !into(t, a, "DaemonSet", "external", &set) {
		t.Fatal("no DaemonSet")
	}
	pod := set.Spec.Template.Spec
	var keys []string
	for _, term := range pod.Affinity.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms {
		keys = append(keys, term.MatchExpressions[0].Key)
	}
	if want := []string{"node-role.kubernetes.io/edge", "node-role.kubernetes.io/control-plane"}; !slices.Equal(keys, want) {
		t.Errorf("it runs on nodes with %v, want any of %v", keys, want)
	}
	for i, toleration := range pod.Tolerations {
		if toleration.Key != keys[i] {
			t.Errorf("it tolerates %s, want %s", toleration.Key, keys[i])
		}
	}
	args := pod.Containers[0].Args
	for _, want := range []string{
		"--providers.kubernetesingressnginx.publishstatusaddress=192.168.1.11,192.168.1.21,192.168.1.22",
		"--entrypoints.traefik.address=127.0.0.1:9180",
		"--entrypoints.metrics.address=127.0.0.1:9181",
	} {
		if !slices.Contains(args, want) {
			t.Errorf("no %s in %q", want, args)
		}
	}
	var service corev1.Service
	if into(t, a, "Service", "external", &service) || into(t, a, "Service", "external-metrics", &service) {
		t.Errorf("it has the Service %s", service.Name)
	}
}

func TestIngressBehindAService(t *testing.T) {
	proxied := []string{"192.168.1.5/32", "10.0.0.0/8"}
	for name, row := range map[string]struct {
		class  cluster.IngressClass
		policy corev1.ServiceExternalTrafficPolicy
		ports  []int32 // of the nodes
		args   []string
	}{
		"a load balancer": {
			cluster.IngressClass{Expose: cluster.ThroughLoadBalancer, Pool: "lan"},
			"Local",
			[]int32{0, 0},
			[]string{"--providers.kubernetesingressnginx.publishservice=ingress/c"},
		},
		"a load balancer behind a router": {
			cluster.IngressClass{Expose: cluster.ThroughLoadBalancer, Publish: []string{"203.0.113.7"}},
			"Local",
			[]int32{0, 0},
			[]string{"--providers.kubernetesingressnginx.publishstatusaddress=203.0.113.7"},
		},
		"node ports": {cluster.IngressClass{Expose: cluster.NodePort}, "Cluster", []int32{30080, 30443}, nil},
		// With Cluster the proxy's address would become a node's, which is not trusted.
		"node ports behind a proxy": {
			cluster.IngressClass{Expose: cluster.NodePort, TrustedProxies: proxied},
			"Local",
			[]int32{30080, 30443},
			[]string{"--entrypoints.websecure.proxyprotocol.trustedips=192.168.1.5/32,10.0.0.0/8", "--entrypoints.web.forwardedheaders.trustedips=192.168.1.5/32,10.0.0.0/8"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			row.class.Name = "c"
			a := inward(t, row.class)
			var service corev1.Service
			var deployment appsv1.Deployment
			if !into(t, a, "Service", "c", &service) || !into(t, a, "Deployment", "c", &deployment) {
				t.Fatal("no Service or no Deployment")
			}
			if service.Annotations["metallb.io/address-pool"] != row.class.Pool || service.Spec.ExternalTrafficPolicy != row.policy {
				t.Errorf("annotations %v, externalTrafficPolicy %s, want %s", service.Annotations, service.Spec.ExternalTrafficPolicy, row.policy)
			}
			for i, port := range service.Spec.Ports {
				if port.NodePort != row.ports[i] {
					t.Errorf("%s has the node port %d, want %d", port.Name, port.NodePort, row.ports[i])
				}
			}
			args := deployment.Spec.Template.Spec.Containers[0].Args
			for _, want := range row.args {
				if !slices.Contains(args, want) {
					t.Errorf("no %s in %q", want, args)
				}
			}
			if trusts := strings.Contains(strings.Join(args, " "), "trustedips"); trusts != (row.class.TrustedProxies != nil) {
				t.Errorf("it trusts what clients say of themselves: %t", trusts)
			}
		})
	}
}

func TestIngressIsAsStrictAsItsClassesAllow(t *testing.T) {
	host := cluster.IngressClass{Name: "host"}
	ports := cluster.IngressClass{Name: "ports", Expose: cluster.NodePort}
	for want, a := range map[string]Addon{"privileged": inward(t, host, ports), "restricted": inward(t, ports)} {
		var namespace corev1.Namespace
		into(t, a, "Namespace", "ingress", &namespace)
		if got := namespace.Labels["pod-security.kubernetes.io/enforce"]; got != want {
			t.Errorf("pods are held to %s, want %s", got, want)
		}
		var role rbacv1.ClusterRole
		into(t, a, "ClusterRole", "kbm:ingress", &role)
		for _, rule := range role.Rules {
			if slices.Contains(rule.Resources, "namespaces") || slices.Contains(rule.Resources, "gateways") {
				t.Errorf("without the Gateway API it may %s %s", rule.Verbs, rule.Resources)
			}
		}
	}
}
