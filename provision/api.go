package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/kbm-dev/kbm/pki"
)

const (
	apiDeadline = 5 * time.Minute
	apiInterval = 50 * time.Millisecond
)

// connectAPI makes the clients of the API server on one controller, reached
// through the SSH connection: neither the endpoint nor its name need to lead
// there from this computer.
func (r *run) connectAPI(m *machine) error {
	admin, err := r.Admin("kbm", "system:masters")
	if err != nil {
		return fmt.Errorf("certificate for the API: %w", err)
	}
	address := net.JoinHostPort(m.node.IP().String(), strconv.Itoa(r.Cluster.APIServerPort()))
	r.api = &rest.Config{
		Host: "https://" + address,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return m.host.Dial(ctx, "tcp", address)
		},
		TLSClientConfig: rest.TLSClientConfig{
			CAData:   r.PKI.Get(pki.CA).Cert,
			CertData: admin.Cert,
			KeyData:  admin.Key,
		},
		QPS: -1, // the server's own priority and fairness is the limit
	}
	// One client for all questions: a new one would shake hands anew.
	r.kube, err = kubernetes.NewForConfig(r.api)
	return err
}

// rolesPending is the one check of a new API server that takes seconds and that
// kbm need not wait for: its own identity stands above all roles.
const rolesPending = "poststarthook/rbac/bootstrap-roles"

// ready asks the API server once, leaving out the checks that are named.
func (r *run) ready(ctx context.Context, exclude ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request := r.kube.Discovery().RESTClient().Get().AbsPath("/readyz")
	for _, check := range exclude {
		request.Param("exclude", check)
	}
	return request.Do(ctx).Error()
}

// waitAPI waits until the API server of a controller answers that it is ready,
// but for the checks that are left out.
func (r *run) waitAPI(ctx context.Context, m *machine, exclude ...string) error {
	if err := r.connectAPI(m); err != nil {
		return err
	}
	var worry concern
	err := poll(ctx, apiDeadline, apiInterval, func(ctx context.Context) error {
		err := r.ready(ctx, exclude...)
		if err == nil {
			return nil
		}
		return cmp.Or(r.waitFor(ctx, m, &worry, "wait for the API server", apiReason(err)), err)
	})
	if unit := (*UnitError)(nil); errors.As(err, &unit) {
		return err // it says all that is to be said
	}
	if err != nil {
		return fmt.Errorf("API server of %s: %w%s", m.node.Name, err, logTail(ctx, m.host))
	}
	return nil
}

// failedCheck is how /readyz marks what is not ready yet.
var failedCheck = regexp.MustCompile(`\[-\](\S+)`)

// apiReason says in few words why an API server is not ready.
func apiReason(err error) string {
	var failed []string
	for _, match := range failedCheck.FindAllStringSubmatch(err.Error(), -1) {
		failed = append(failed, match[1])
	}
	switch {
	case len(failed) > 3:
		return fmt.Sprintf("not ready yet: %s and %d more", strings.Join(failed[:3], ", "), len(failed)-3)
	case len(failed) > 0:
		return "not ready yet: " + strings.Join(failed, ", ")
	case strings.Contains(err.Error(), "refused"):
		return "it does not listen yet"
	}
	return brief(err)
}

// logTail is the end of what the kubelet and the API server had to say.
func logTail(ctx context.Context, h Host) string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	out, err := h.Run(ctx, Command{Script: `
journalctl --no-pager -o cat -n 5 -u kubelet.service
tail -q -n 10 /var/log/pods/kube-system_kube-apiserver-*/kube-apiserver/*.log 2>/dev/null | tail -n 10`})
	if err != nil {
		return ""
	}
	return "\n" + string(out.Stdout)
}
