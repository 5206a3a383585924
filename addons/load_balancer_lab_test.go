//go:build lab

package addons

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kbm-dev/kbm/cluster"
)

// TestLoadBalancer runs MetalLB's controller and, on two nodes, its speaker. A
// Service gets an address, a node answers for it, and after that node is gone the
// other does.
func TestLoadBalancer(t *testing.T) {
	if !alone(t) {
		return
	}
	off := false
	s := newStreet(t, cluster.Addons{LoadBalancer: &cluster.LoadBalancer{
		Pools: []cluster.Pool{
			{Name: "lan", Addresses: []string{"10.99.0.240/32"}},
			{Name: "asked", Addresses: []string{"10.99.0.250-10.99.0.251"}, AutoAssign: &off, Interfaces: []string{"eth0"}},
			{Name: "routed", Addresses: []string{"10.98.0.0/24"}, Protocol: cluster.BGP, AutoAssign: &off},
		},
		Peers: []cluster.BGPPeer{{Address: streetHome, Port: 1179, ASN: 64512, MyASN: 64513}},
	}}, "load-balancer")
	router := openRouter(t)
	at := s.move(t, "controller", "10.99.0.11")
	s.lead(t, "metallb-system", "metallb-webhook", "webhook", 9443, "controller", at.address)
	s.live(t, "metallb-controller", find(t, s.all, "Deployment", "controller"), at)
	s.complete(t)
	for i, node := range []string{"n1", "n2"} {
		at := s.move(t, node, fmt.Sprintf("10.99.0.%d", 21+i))
		s.settle(t, node, at.address)
		s.live(t, "metallb-speaker", find(t, s.all, "DaemonSet", "speaker"), at)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	app := s.offer(t, "app", "")
	eventually(ctx, t, "the Service has the pool's address", func() error { return s.hasAddress(t, app, "10.99.0.240") })
	asked := s.offer(t, "asked", "asked")
	eventually(ctx, t, "the Service has an address of the pool that it asked for", func() error { return s.hasAddress(t, asked, "10.99.0.250") })

	var first string
	since := time.Now()
	eventually(ctx, t, "the speakers have met, and one of them answers for the address", func() error {
		now, err := answersFor("10.99.0.240")
		if err == nil {
			err = s.announced(t, "ServiceL2Status", "app", now)
		}
		if err != nil || now != first {
			first, since = now, time.Now()
		}
		if err == nil && time.Since(since) < 2*time.Second {
			err = fmt.Errorf("%s has only begun to", now)
		}
		return err
	})
	routed := s.offer(t, "routed", "routed")
	eventually(ctx, t, "both nodes tell the router of an address", func() error { return s.announced(t, "ServiceBGPStatus", "routed", "n1", "n2") })
	if err := s.engine.client.Delete(ctx, routed); err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the router is told no more", func() error { return s.announced(t, "ServiceBGPStatus", "routed") })
	if asn := router.asn(ctx, t); asn != 64513 {
		t.Errorf("the router is greeted by AS %d", asn)
	}

	overlap := find(t, s.all, "IPAddressPool", "lan").DeepCopy()
	overlap.SetName("overlap")
	err := s.engine.apply(ctx, overlap)
	if err == nil || !strings.Contains(err.Error(), "overlaps") {
		t.Errorf("a pool that overlaps another: %v", err)
	}

	tool(t, "ip", "-n", first, "link", "set", "eth0", "down") // the node is gone
	begun := time.Now()
	eventually(ctx, t, "the other node answers for the address", func() error {
		now, err := answersFor("10.99.0.240")
		if err == nil && now == first {
			err = fmt.Errorf("%s answers still", now)
		}
		return err
	})
	t.Logf("the address answers again after %s", time.Since(begun).Round(time.Second/10))
	if time.Since(begun) > 15*time.Second {
		t.Errorf("the address was lost for %s", time.Since(begun))
	}
	// Nobody reads the metrics here, few events repeat themselves, and a pod takes
	// over what another one left only after it was made anew.
	rare := []string{
		"create authentication.k8s.io/tokenreviews", "create authorization.k8s.io/subjectaccessreviews",
		"patch /events", "patch metallb.io/configurationstates", "patch metallb.io/servicebgpstatuses", "patch metallb.io/servicel2statuses",
	}
	checkRights(t, s.all, s.audit, "metallb-system", "controller", rare...)
	checkRights(t, s.all, s.audit, "metallb-system", "speaker", rare...)
}

// offer makes a Service with a pod behind it.
func (s *street) offer(t *testing.T, name, pool string) *corev1.Service {
	t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "default"},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Name: "http", Port: 80}}},
	}
	if pool != "" {
		service.Annotations = map[string]string{"metallb.io/address-pool": pool}
	}
	if err := s.engine.client.Create(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	s.lead(t, "default", name, "http", 8080, "n1", "10.244.0.9")
	return service
}

func (s *street) hasAddress(t *testing.T, service *corev1.Service, want string) error {
	t.Helper()
	if err := s.engine.client.Get(t.Context(), client.ObjectKeyFromObject(service), service); err != nil {
		return err
	}
	if got := service.Status.LoadBalancer.Ingress; len(got) != 1 || got[0].IP != want {
		return fmt.Errorf("it has %v", got)
	}
	return nil
}

// announced is an error unless exactly the nodes report that they announce a Service.
func (s *street) announced(t *testing.T, kind, service string, nodes ...string) error {
	t.Helper()
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("metallb.io/v1beta1")
	list.SetKind(kind + "List")
	if err := s.engine.client.List(t.Context(), list, client.MatchingLabels{"metallb.io/service-name": service}); err != nil {
		return err
	}
	got := []string{}
	for i := range list.Items {
		got = append(got, list.Items[i].GetLabels()["metallb.io/node"])
	}
	if slices.Sort(got); !slices.Equal(got, nodes) {
		return fmt.Errorf("%s: announced by %v, not %v", service, got, nodes)
	}
	return nil
}

// answersFor names the network whose interface answers for an address.
func answersFor(address string) (string, error) {
	_ = exec.Command("ip", "neighbour", "flush", "to", address).Run()
	if conn, err := net.Dial("udp", address+":9"); err == nil {
		_, _ = conn.Write([]byte("?")) // which makes the kernel ask for the address
		_ = conn.Close()
	}
	out, err := exec.Command("ip", "neighbour", "show", "to", address).Output()
	if err != nil {
		return "", err
	}
	for _, node := range []string{"n1", "n2"} {
		link, err := exec.Command("ip", "-n", node, "-o", "link", "show", "eth0").Output()
		if err != nil {
			return "", err
		}
		_, rest, _ := strings.Cut(string(link), "link/ether ")
		mac, _, _ := strings.Cut(rest, " ")
		if mac != "" && strings.Contains(string(out), mac) {
			return node, nil
		}
	}
	return "", fmt.Errorf("nobody answers: %s", strings.TrimSpace(string(out)))
}

// router takes what a speaker of BGP says first.
type router struct{ greetings chan uint16 }

func openRouter(t *testing.T) *router {
	t.Helper()
	l, err := net.Listen("tcp", streetHome+":1179")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	r := &router{greetings: make(chan uint16, 8)}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			// RFC 4271: a header of 19 bytes whose last is the type, OPEN; then
			// the version and the autonomous system.
			var open [22]byte
			if _, err := io.ReadFull(conn, open[:]); err == nil && open[18] == 1 {
				r.greetings <- binary.BigEndian.Uint16(open[20:])
			}
			_ = conn.Close()
		}
	}()
	return r
}

func (r *router) asn(ctx context.Context, t *testing.T) uint16 {
	t.Helper()
	select {
	case <-ctx.Done():
		t.Fatal("nobody greets the router")
		return 0
	case asn := <-r.greetings:
		return asn
	}
}
