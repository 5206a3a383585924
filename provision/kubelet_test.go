package provision

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// dialling is a machine on which there is one server, if any.
type dialling struct {
	hostFunc
	at string
}

func (d dialling) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if address != "127.0.0.1:10248" {
		return nil, net.UnknownNetworkError(address)
	}
	return new(net.Dialer).DialContext(ctx, network, d.at)
}

// Found when a kubelet that ended at each start was called Ready: Kubernetes had
// not noticed yet.
func TestStartedKubeletHasToAnswer(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			t.Errorf("asked for %s", r.URL.Path)
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	m := &machine{node: &cluster.Node{Name: "w1"}, host: dialling{at: strings.TrimPrefix(server.URL, "http://")}}
	m.plan.units = []unitAction{{unit: "containerd.service"}}
	expect(t, "one that answers", m.kubeletFault(t.Context()), "")
	status = http.StatusInternalServerError
	expect(t, "one that is not in order", m.kubeletFault(t.Context()), "its kubelet is not in order: 500 Internal Server Error")
	m.host = dialling{at: "127.0.0.1:1"}
	if got := m.kubeletFault(t.Context()); !strings.HasPrefix(got, "its kubelet does not answer: ") || !strings.Contains(got, "connection refused") {
		t.Errorf("one that has ended: %q", got)
	}
	m.plan.units = nil
	expect(t, "a machine on which nothing was started", m.kubeletFault(t.Context()), "")
}
