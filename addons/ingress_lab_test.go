//go:build lab

package addons

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kbm-dev/kbm/cluster"
)

// The network of the test: a bridge with the node's end, from which visitors ask
// too, and a network namespace for each instance of Traefik.
const (
	lanNode     = "10.99.0.1"
	lanProxy    = "10.99.0.2" // which the class nginx-external trusts
	lanStranger = "10.99.0.3"
	lanPod      = "10.99.0.4"
	published   = "10.99.0.240" // as MetalLB would give it
)

// way is an ingress class with its instance of Traefik.
type way struct{ class, address string }

func ways() []way {
	return []way{{"nginx-external", "10.99.0.11"}, {"nginx", "10.99.0.12"}, {"host", "10.99.0.13"}}
}

// doorstep is all that the steps of TestIngress share.
type doorstep struct {
	*control
	engine *Engine
	all    []Addon
	ca     *authority
	audit  string
}

// TestIngress runs Traefik from its image with the account, arguments and user
// of the manifests, three classes at once, and asks it what a browser would.
func TestIngress(t *testing.T) {
	if !alone(t) {
		return
	}
	d := openDoors(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *doorstep)
	}{
		{"an Ingress older than the addon gets its copies", d.olderIngress(t)},
		{"classes are kept apart", classesApart},
		{"annotations do what they did", annotationsWork},
		{"annotations that are not read", annotationsIgnored},
		{"TLS and its redirect", tlsWorks},
		{"sign-in", signInWorks},
		{"addresses of clients", clientAddresses},
		{"seeds are served", seedsServed},
		{"copies of old annotations", copiesFollow},
		{"gateways", gatewaysWork},
		{"status and metrics", statusAndMetrics},
	} {
		t.Run(step.name, func(t *testing.T) { step.run(t, d) })
	}
	checkRights(t, d.all, d.audit, "ingress", "ingress")
}

func openDoors(t *testing.T) *doorstep {
	t.Helper()
	tool(t, "mount", "-t", "tmpfs", "tmpfs", "/run") // names of network namespaces live there
	tool(t, "ip", "link", "set", "lo", "up")
	tool(t, "ip", "link", "add", "lan0", "type", "bridge")
	for _, address := range []string{lanNode, lanProxy, lanStranger, lanPod} {
		tool(t, "ip", "address", "add", address+"/24", "dev", "lan0")
	}
	tool(t, "ip", "link", "set", "lan0", "up")

	d := &doorstep{audit: filepath.Join(t.TempDir(), "audit.log"), ca: newAuthority(t)}
	d.control = startControl(t, lanNode, "--audit-log-path", d.audit,
		"--audit-policy-file", keep(t, []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"Metadata"}]}`)))
	d.engine = d.control.engine(t)
	d.cluster.Addons = cluster.Addons{
		Ingress: &cluster.Ingress{GatewayAPI: true, Classes: []cluster.IngressClass{
			{Name: "nginx-external", Expose: cluster.ThroughLoadBalancer, Pool: "external", TrustedProxies: []string{lanProxy + "/32"}},
			{Name: "nginx", Expose: cluster.NodePort, Default: true, DefaultBackend: "kube-system/default-http-backend"},
			{Name: "host", Expose: cluster.HostNetwork, Roles: []cluster.Role{cluster.Controller}, Metrics: true},
		}},
		Certs: &cluster.Certs{Issuers: []cluster.Issuer{{Name: "private-ca", PrivateCA: true}}},
	}
	d.cluster = d.cluster.WithDefaults()
	all, err := Render(d.cluster, keptCA{cert: d.ca.pem()})
	if err != nil {
		t.Fatal(err)
	}
	d.all = only(all, "ingress")
	return d
}

// keptCA is a Sources with a root certificate.
type keptCA struct {
	Review
	cert []byte
}

func (k keptCA) Kept(name string) ([]byte, error) {
	if name == KeptPrivateCACert {
		return k.cert, nil
	}
	return k.Review.Kept(name)
}

// olderIngress makes an Ingress, then the addon, and then starts the programs.
func (d *doorstep) olderIngress(t *testing.T) func(*testing.T, *doorstep) {
	t.Helper()
	older := d.ingress(t, "older", "nginx-external", map[string]string{"ingress.kubernetes.io/limit-rps": "7"})
	mustApply(t, d.engine, d.all)
	for _, w := range ways() {
		tool(t, "ip", "netns", "add", w.class)
		link := "in" + w.address[len(w.address)-2:]
		tool(t, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", w.class)
		tool(t, "ip", "link", "set", link, "master", "lan0", "up")
		for _, command := range []string{"link set lo up", "address add " + w.address + "/24 dev eth0", "link set eth0 up"} {
			tool(t, "ip", append([]string{"-n", w.class}, strings.Fields(command)...)...)
		}
		kind := "Deployment"
		if w.class == "host" {
			kind = "DaemonSet"
			// As kbm sets it on the nodes of such a class.
			tool(t, "ip", "netns", "exec", w.class, "sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=80")
		}
		d.runAt(t, d.engine, d.all, "traefik", find(t, d.all, kind, w.class), place{
			network: w.class, address: w.address,
			hosts: fmt.Sprintf("%s app1.k8s.example.com\n%s application.encompasshost.com\n", ways()[0].address, ways()[1].address),
		})
	}
	return func(t *testing.T, d *doorstep) {
		service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "nginx-external"}}
		d.get(t, service)
		service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: published}}
		if err := d.engine.client.Status().Update(t.Context(), service); err != nil {
			t.Fatal(err)
		}
		d.until(t, "the older Ingress has its copy", func() error {
			d.get(t, older)
			if older.Annotations["nginx.ingress.kubernetes.io/limit-rps"] != "7" {
				return fmt.Errorf("annotations %v, status %v", older.Annotations, older.Status)
			}
			return nil
		})
	}
}

func (d *doorstep) until(t *testing.T, what string, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	eventually(ctx, t, what, check)
}

func (d *doorstep) get(t *testing.T, o client.Object) {
	t.Helper()
	if err := d.engine.client.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
		t.Fatal(err)
	}
}

func (d *doorstep) create(t *testing.T, o client.Object) {
	t.Helper()
	if err := d.engine.client.Create(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

// ingress makes an Ingress for NAME.test, whose backend is the Service of the
// same name.
func (d *doorstep) ingress(t *testing.T, name, class string, annotations map[string]string) *networkingv1.Ingress {
	t.Helper()
	o := d.ingressOf(name, class, annotations)
	d.create(t, o)
	return o
}

func (d *doorstep) ingressOf(name, class string, annotations map[string]string) *networkingv1.Ingress {
	exact := networkingv1.PathTypeImplementationSpecific
	o := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Annotations: annotations},
		Spec: networkingv1.IngressSpec{Rules: []networkingv1.IngressRule{{
			Host: name + ".test",
			IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: &exact,
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: name, Port: networkingv1.ServiceBackendPort{Number: 80},
				}},
			}}}},
		}}},
	}
	if class != "" {
		o.Spec.IngressClassName = &class
	}
	return o
}

// service makes a Service and says of it what a controller would: its endpoints
// are the backends.
func (d *doorstep) service(t *testing.T, namespace, name string, backends ...*backend) {
	t.Helper()
	d.create(t, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
	})
	d.endpoints(t, namespace, name, "", backends...)
}

// endpoints makes a slice for each backend, for a slice has one port a name.
func (d *doorstep) endpoints(t *testing.T, namespace, service, port string, backends ...*backend) {
	t.Helper()
	for i, b := range backends {
		number, ready := int32(b.port), true
		d.create(t, &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: namespace, Name: fmt.Sprintf("%s-%d", service, i),
				Labels: map[string]string{discoveryv1.LabelServiceName: service},
			},
			AddressType: discoveryv1.AddressTypeIPv4,
			Ports:       []discoveryv1.EndpointPort{{Name: &port, Port: &number}},
			Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{b.address}, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
		})
	}
}

// statusAndMetrics: what external-dns reads, and Prometheus.
func statusAndMetrics(t *testing.T, d *doorstep) {
	d.service(t, "default", "onhost", newBackend(t, "onhost"))
	onhost := d.ingress(t, "onhost", "host", nil)
	d.visitor(ways()[2]).until(t, "http://onhost.test/", 200)
	for o, want := range map[*networkingv1.Ingress]string{
		{ObjectMeta: metav1.ObjectMeta{Namespace: "app1", Name: "app1"}}: published,
		onhost: lanNode,
	} {
		d.until(t, o.Name+" shows its address", func() error {
			d.get(t, o)
			shown := o.Status.LoadBalancer.Ingress
			if len(shown) != 1 || shown[0].IP != want {
				return fmt.Errorf("%v, want %s", shown, want)
			}
			return nil
		})
	}
	for _, w := range ways() {
		got := tool(t, "curl", "-fsS", "http://"+w.address+":9181/metrics")
		if !strings.Contains(got, "traefik_entrypoint_requests_total") {
			t.Errorf("%s: no requests are counted", w.class)
		}
	}
	if onhost := find(t, d.all, "DaemonSet", "host"); !slices.Contains(args(t, onhost), "--entrypoints.traefik.address=127.0.0.1:9180") {
		t.Error("on the node's network the probes are for others too")
	}
}

func args(t *testing.T, workload *unstructured.Unstructured) []string {
	t.Helper()
	containers, _, err := unstructured.NestedSlice(workload.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("%s: %d containers: %v", describe(workload), len(containers), err)
	}
	all, _, err := unstructured.NestedStringSlice(containers[0].(map[string]any), "args")
	if err != nil {
		t.Fatal(err)
	}
	return all
}
