//go:build lab

package addons

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/cluster"
)

// TestProofsPassTheIngress asks Traefik for a proof of HTTP-01 where the host's
// own Ingress redirects to HTTPS, lets in few and has no certificate yet: as it
// is when the first one is asked for.
func TestProofsPassTheIngress(t *testing.T) {
	if !alone(t) {
		return
	}
	s := newStreet(t, cluster.Addons{
		Ingress: &cluster.Ingress{Classes: []cluster.IngressClass{{Name: "external", Expose: cluster.NodePort}}},
		Certs:   &cluster.Certs{Issuers: []cluster.Issuer{{Name: "acme", Server: "https://" + streetHome + "/dir", Class: "external"}}},
	}, "ingress", "certs")
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "proof") })
	server := &http.Server{Addr: streetHome + ":8089", Handler: answer}
	go func() { _ = server.ListenAndServe() }()
	t.Cleanup(func() { _ = server.Close() })
	for _, o := range strings.Split(fmt.Sprintf(visited, s.solverAnnotations(t)), "---\n") {
		if err := s.engine.apply(t.Context(), manifest(t, o)); err != nil {
			t.Fatal(err)
		}
	}
	s.lead(t, "default", "solver", "http", 8089, nodeName, streetHome)
	at := s.move(t, "traefik", "10.99.0.11")
	s.live(t, "traefik", find(t, s.all, "Deployment", "external"), at)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(ctx, t, "the proof is shown", func() error {
		code, text := visit(t, at.address, "/.well-known/acme-challenge/token")
		if code != http.StatusOK || text != "proof" {
			return fmt.Errorf("%d %s", code, text)
		}
		return nil
	})
	if code, _ := visit(t, at.address, "/other"); code != http.StatusPermanentRedirect {
		t.Errorf("everything else: %d, want a redirect", code)
	}
}

// visited are a host's Ingress and what cert-manager puts beside it.
const visited = `apiVersion: v1
kind: Service
metadata: {name: solver, namespace: default}
spec: {ports: [{name: http, port: 8089}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: web
  namespace: default
  annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 192.0.2.1/32}
spec:
  ingressClassName: external
  tls: [{hosts: [web.home.example], secretName: not-there-yet}]
  rules: [{host: web.home.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: solver, port: {number: 8089}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: cm-acme-http-solver
  namespace: default
  annotations: %s
spec:
  ingressClassName: external
  rules: [{host: web.home.example, http: {paths: [{path: /.well-known/acme-challenge/token, pathType: Exact, backend: {service: {name: solver, port: {number: 8089}}}}]}}]
`

// solverAnnotations are those that cert-manager sets itself, and the issuer's.
func (s *street) solverAnnotations(t *testing.T) string {
	t.Helper()
	solvers, _, err := unstructured.NestedSlice(find(t, s.all, "ClusterIssuer", "acme").Object, "spec", "acme", "solvers")
	if err != nil {
		t.Fatal(err)
	}
	annotations, _, err := unstructured.NestedStringMap(solvers[0].(map[string]any), "http01", "ingress", "ingressTemplate", "metadata", "annotations")
	if err != nil {
		t.Fatal(err)
	}
	annotations["nginx.ingress.kubernetes.io/whitelist-source-range"] = "0.0.0.0/0,::/0"
	text, err := json.Marshal(annotations) // which is YAML too
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func visit(t *testing.T, address, path string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "web.home.example"
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}
