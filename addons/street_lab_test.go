//go:build lab

package addons

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// street is a bridge where an API server is at home, and programs each have a
// network namespace of their own, as machines and pods have.
type street struct {
	*control
	engine *Engine
	all    []Addon
	audit  string
}

const streetHome = "10.99.0.1"

// newStreet renders the named addons of the sections and applies what does not
// need their programs to run.
func newStreet(t *testing.T, sections cluster.Addons, names ...string) *street {
	t.Helper()
	tool(t, "mount", "-t", "tmpfs", "tmpfs", "/run") // names of network namespaces live there
	tool(t, "ip", "link", "set", "lo", "up")
	tool(t, "ip", "link", "add", "lan0", "type", "bridge")
	tool(t, "ip", "address", "add", streetHome+"/24", "dev", "lan0")
	tool(t, "ip", "link", "set", "lan0", "up")

	s := &street{audit: filepath.Join(t.TempDir(), "audit.log")}
	// No kube-proxy is there, so that the API server finds Services' pods itself.
	s.control = startControl(t, streetHome, "--audit-log-path", s.audit, "--enable-aggregator-routing",
		"--audit-policy-file", keep(t, []byte(`{"apiVersion":"audit.k8s.io/v1","kind":"Policy","rules":[{"level":"Metadata"}]}`)))
	s.engine = s.control.engine(t)
	s.cluster.Addons = sections
	s.cluster.Network.PodCIDR = "10.99.0.0/24" // everybody here is a pod
	s.cluster = s.cluster.WithDefaults()
	store, err := pki.NewFiles(s.cluster, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.set, err = pki.Ensure(store, s.cluster, time.Now(), rand.Reader); err != nil {
		t.Fatal(err)
	}
	// In the cluster's folder, what a CAFile may name is the cluster's own CA.
	if err := os.WriteFile(filepath.Join(s.cluster.Dir, "ca.crt"), s.set.Get(pki.CA).Cert, 0o644); err != nil {
		t.Fatal(err)
	}
	s.render(t, names...)
	early := slices.Clone(s.all)
	for i := range early {
		early[i].Objects = slices.DeleteFunc(slices.Clone(early[i].Objects), func(o *unstructured.Unstructured) bool {
			return isCustom(o.GroupVersionKind().GroupKind())
		})
	}
	mustApply(t, s.engine, early)
	return s
}

func (s *street) render(t *testing.T, names ...string) {
	t.Helper()
	all, err := Render(s.cluster, keptBy{Review: Review{Dir: s.cluster.Dir}, set: s.set})
	if err != nil {
		t.Fatal(err)
	}
	s.all = only(all, names...)
}

// keptBy is a Sources with what the PKI keeps.
type keptBy struct {
	Review
	set *pki.Set
}

func (k keptBy) Secret(cluster.Secret) ([]byte, error) { return []byte("c2VjcmV0"), nil }

func (k keptBy) Kept(name string) ([]byte, error) {
	switch name {
	case KeptCookieSecret:
		return k.set.CookieSecret, nil
	case KeptMemberlistKey:
		return k.set.MemberlistKey, nil
	}
	pair := k.set.Get(pki.Name(strings.TrimSuffix(name, filepath.Ext(name))))
	if filepath.Ext(name) == ".key" {
		return pair.Key, nil
	}
	return pair.Cert, nil
}

// gateways is an ingress with the Gateway API, which is not run.
func gateways() *cluster.Ingress {
	return &cluster.Ingress{GatewayAPI: true, Classes: []cluster.IngressClass{{Name: "external", Expose: cluster.NodePort}}}
}

// move makes a home for a program: a network namespace on the street.
func (s *street) move(t *testing.T, name, address string) place {
	t.Helper()
	tool(t, "ip", "netns", "add", name)
	link := "to" + address[strings.LastIndex(address, ".")+1:]
	tool(t, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
	tool(t, "ip", "link", "set", link, "master", "lan0", "up")
	for _, command := range []string{"link set lo up", "address add " + address + "/24 dev eth0", "link set eth0 up", "route add default via " + streetHome} {
		tool(t, "ip", append([]string{"-n", name}, strings.Fields(command)...)...)
	}
	return place{node: name, network: name, address: address}
}

// live runs a workload's program as a pod that the API server knows, with its
// address, and lets in.
func (s *street) live(t *testing.T, image string, workload *unstructured.Unstructured, at place) {
	t.Helper()
	var template struct {
		Spec struct {
			Template corev1.PodTemplateSpec `json:"template"`
		} `json:"spec"`
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(workload.Object, &template); err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{ObjectMeta: template.Spec.Template.ObjectMeta, Spec: template.Spec.Template.Spec}
	pod.Name, pod.Namespace, pod.Spec.NodeName = podName(workload, at), workload.GetNamespace(), at.node
	if err := s.engine.client.Create(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	pod.Status.PodIP, pod.Status.PodIPs = at.address, []corev1.PodIP{{IP: at.address}}
	if err := s.engine.client.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
	s.runAt(t, s.engine, s.all, image, workload, at)
}

// complete applies the rest, which waits until the webhooks answer.
func (s *street) complete(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := s.engine.Apply(ctx, s.all, nil); err != nil {
		t.Fatal(err)
	}
}

// lead makes a Service lead to a port of an address, as a controller manager does.
func (s *street) lead(t *testing.T, namespace, service, port string, number int32, node, address string) {
	t.Helper()
	ready, protocol := true, corev1.ProtocolTCP
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta:  metav1.ObjectMeta{Name: service, Namespace: namespace, Labels: map[string]string{discoveryv1.LabelServiceName: service}},
		AddressType: discoveryv1.AddressTypeIPv4,
		Ports:       []discoveryv1.EndpointPort{{Name: &port, Port: &number, Protocol: &protocol}},
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address}, NodeName: &node, Conditions: discoveryv1.EndpointConditions{Ready: &ready}}},
	}
	if err := s.engine.client.Create(t.Context(), slice); err != nil {
		t.Fatal(err)
	}
}

// settle makes a node.
func (s *street) settle(t *testing.T, name, address string) {
	t.Helper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if err := s.engine.client.Create(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	node.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: address}}
	if err := s.engine.client.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
}
