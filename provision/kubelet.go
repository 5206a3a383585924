package provision

import (
	"context"
	"net/http"
)

// kubeletHealth is where a kubelet tells whether it is in order, as in
// templates/etc/kubernetes/kubelet.yaml.
const kubeletHealth = "http://127.0.0.1:10248/healthz"

// kubeletFault is the reason why the kubelet of a machine is not in order, or
// nothing. Only where this run has started something it is asked: Kubernetes goes
// on to call a node Ready for 50 s (its default of nodeMonitorGracePeriod), also
// one whose kubelet ends again at once.
func (m *machine) kubeletFault(ctx context.Context) string {
	if m.host == nil || len(m.plan.Units()) == 0 {
		return ""
	}
	ctx, cancel := shortly(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, kubeletHealth, nil)
	if err != nil {
		return err.Error()
	}
	transport := &http.Transport{DialContext: m.host.Dial, DisableKeepAlives: true}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return "its kubelet does not answer: " + err.Error()
	}
	_ = response.Body.Close() // the status says it all
	if response.StatusCode != http.StatusOK {
		return "its kubelet is not in order: " + response.Status
	}
	return ""
}
