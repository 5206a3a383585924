//go:build lab

package addons

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// TestMetricsServer runs metrics-server in front of what answers as a kubelet
// does, with a kubelet's certificate, and asks the API server what a node uses:
// each of the three verifies the next.
func TestMetricsServer(t *testing.T) {
	t.Parallel()
	if !alone(t) {
		return
	}
	s := newStreet(t, cluster.Addons{Metrics: &cluster.Metrics{}}, "metrics-server")
	s.settle(t, nodeName, streetHome)
	kubelet := s.openKubelet(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := &corev1.Node{}
	if err := s.engine.client.Get(ctx, client.ObjectKey{Name: nodeName}, node); err != nil {
		t.Fatal(err)
	}
	node.Status.DaemonEndpoints.KubeletEndpoint.Port = kubelet
	if err := s.engine.client.Status().Update(ctx, node); err != nil {
		t.Fatal(err)
	}

	at := s.move(t, "metrics", "10.99.0.11")
	s.lead(t, "kube-system", "metrics-server", "https", 10250, nodeName, at.address)
	s.live(t, "metrics-server", find(t, s.all, "Deployment", "metrics-server"), at)

	admin, err := rest.HTTPClientFor(s.config(t, "kbm", "system:masters"))
	if err != nil {
		t.Fatal(err)
	}
	var top struct {
		Items []struct {
			Metadata struct{ Name string }
			Usage    map[string]string
		}
	}
	eventually(ctx, t, "the API server tells what the node uses", func() error {
		response, err := admin.Get(s.cluster.EndpointURL() + "/apis/metrics.k8s.io/v1beta1/nodes")
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("it answers %s", response.Status)
		}
		if err := json.NewDecoder(response.Body).Decode(&top); err != nil {
			return err
		}
		if len(top.Items) == 0 {
			return errors.New("of no node yet")
		}
		return nil
	})
	if got := top.Items[0]; got.Metadata.Name != nodeName || got.Usage["memory"] != "64Mi" {
		t.Errorf("got %v", got)
	}
	checkRights(t, s.all, s.audit, "kube-system", "metrics-server", "get /nodes/metrics") // asked of the kubelet
}

// openKubelet answers with the node's certificate to whoever shows a token, and
// returns its port.
func (s *street) openKubelet(t *testing.T) int32 {
	t.Helper()
	pair := s.set.Node(nodeName).Get(pki.KubeletServing)
	cert, err := tls.X509KeyPair(pair.Cert, pair.Key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", streetHome+":0", &tls.Config{Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/metrics/resource" || !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ey") {
			http.Error(w, "no", http.StatusUnauthorized)
			return
		}
		now := time.Now()
		_, _ = fmt.Fprintf(w, "node_cpu_usage_seconds_total %f %d\nnode_memory_working_set_bytes %d %d\n",
			now.Sub(begun).Seconds()/10+1, now.UnixMilli(), 64<<20, now.UnixMilli())
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return int32(l.Addr().(*net.TCPAddr).Port)
}
