package traffic

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/kbm-dev/kbm/bench/internal/machines"
	"github.com/kbm-dev/kbm/bench/internal/report"
	"github.com/kbm-dev/kbm/lab"
)

// The load: as many clients as keep both cores busy, for long enough that the
// 99th percentile rests on thousands of requests.
const (
	clients  = 16
	duration = 10 * time.Second
	host     = "app.bench.example.com"
)

// app is a pod on the worker, and the way to it through the edge node.
const app = `apiVersion: v1
kind: Pod
metadata: {name: app, namespace: default, labels: {app: app}}
spec:
  nodeName: w1
  containers:
    - name: app
      image: registry.k8s.io/e2e-test-images/agnhost:2.66.1
      args: [netexec, --http-port=8080]
      readinessProbe: {httpGet: {path: /hostname, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: default}
spec: {selector: {app: app}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: app, namespace: default}
spec:
  ingressClassName: external
  rules:
    - host: ` + host + `
      http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
`

// load is what a server bore.
type load struct {
	rate float64 // requests per second
	p99  time.Duration
}

func (l load) String() string {
	return fmt.Sprintf("%.0f requests/s with a 99th percentile of %s", l.rate, report.Milliseconds(l.p99))
}

// requests asks one pod from outside the cluster, directly and through the
// ingress on the edge node.
func (r *result) requests(ctx context.Context, m *machines.Machines) error {
	kubectl := func(args ...string) (string, error) {
		return m.Output(ctx, strings.NewReader(app), append([]string{"lab", "exec", "--", "kubectl"}, args...)...)
	}
	if _, err := kubectl("apply", "-f", "-"); err != nil {
		return err
	}
	if _, err := kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/app"); err != nil {
		return err
	}
	pod, err := kubectl("get", "pod", "app", "-o", "jsonpath={.status.podIP}")
	if err != nil {
		return err
	}
	// The outside machine learns the way to the pods, as a router of theirs would.
	if err := m.Run(ctx, "lab", "exec", "--", "ip", "route", "replace", pod+"/32", "via", machines.Address(1)); err != nil {
		return err
	}
	l, err := lab.For(m.Dir)
	if err != nil {
		return err
	}
	edge := machines.Address(2)
	for range 2 { // the first time warms both up
		if r.direct, err = attack(ctx, l, "http://"+pod+":8080/hostname"); err != nil {
			return err
		}
		if r.ingress, err = attack(ctx, l, "http://"+edge+":80/hostname"); err != nil {
			return err
		}
	}
	return nil
}

// attack asks as often as the server answers.
func attack(ctx context.Context, l lab.Lab, url string) (load, error) {
	transport := &http.Transport{DialContext: l.Dial, MaxIdleConnsPerHost: clients}
	defer transport.CloseIdleConnections()
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{Transport: transport, Timeout: 10 * time.Second}),
		vegeta.Workers(clients), vegeta.MaxWorkers(clients),
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	context.AfterFunc(ctx, func() { attacker.Stop() })
	target := vegeta.NewStaticTargeter(vegeta.Target{Method: http.MethodGet, URL: url, Header: http.Header{"Host": {host}}})
	var metrics vegeta.Metrics
	for result := range attacker.Attack(target, vegeta.ConstantPacer{}, duration, url) {
		metrics.Add(result)
	}
	metrics.Close()
	if metrics.Success < 1 {
		return load{}, fmt.Errorf("ask %s: %.2f%% of %d requests were answered: %s", url, metrics.Success*100, metrics.Requests, strings.Join(metrics.Errors, "; "))
	}
	return load{rate: metrics.Throughput, p99: metrics.Latencies.P99}, nil
}
