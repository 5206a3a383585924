//go:build lab

package addons

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// gate is a Gateway of a class, with a route of each kind. All gates are for the
// same names, so that only their classes keep them apart.
const gate = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: CLASS, namespace: default}
spec:
  gatewayClassName: CLASS
  listeners:
    - {name: http, port: 80, protocol: HTTP}
    - {name: https, port: 443, protocol: HTTPS, hostname: gate.test, tls: {certificateRefs: [{name: gate}]}}
    - {name: raw, port: 443, protocol: TLS, hostname: raw.test, tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: CLASS, namespace: default}
spec:
  parentRefs: [{name: CLASS}]
  hostnames: [gate.test]
  rules:
    - backendRefs: [{name: gate-CLASS, port: 80}]
    - matches: [{path: {value: /verified}}]
      backendRefs: [{name: verified, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: CLASS, namespace: default}
spec:
  parentRefs: [{name: CLASS, sectionName: https}]
  rules:
    - matches: [{method: {service: echo}}]
      backendRefs: [{name: gate-CLASS, port: 80}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: CLASS, namespace: default}
spec:
  parentRefs: [{name: CLASS, sectionName: raw}]
  hostnames: [raw.test]
  rules:
    - backendRefs: [{name: gate-CLASS, port: 80}]
`

const policy = `
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: verified, namespace: default}
spec:
  targetRefs: [{group: "", kind: Service, name: verified}]
  validation: {hostname: verified.test, wellKnownCACertificates: System}
`

// gatewaysWork: each class has its gateways, and leads to what they name.
func gatewaysWork(t *testing.T, d *doorstep) {
	d.tlsSecret(t, "default", "gate", "gate.test")
	d.service(t, "default", "verified", newBackend(t, "verified"))
	d.applyText(t, policy)
	for _, w := range ways() {
		d.service(t, "default", "gate-"+w.class, newBackend(t, w.class))
		d.applyText(t, strings.ReplaceAll(gate, "CLASS", w.class))
	}
	for _, w := range ways() {
		v := d.visitor(w)
		for _, scheme := range []string{"http", "https"} {
			if got := v.until(t, scheme+"://gate.test/", 200).seen.Backend; got != w.class {
				t.Errorf("%s at %s leads to the backend of %s", scheme, w.class, got)
			}
		}
		gateway := &unstructured.Unstructured{}
		gateway.SetAPIVersion("gateway.networking.k8s.io/v1")
		gateway.SetKind("Gateway")
		gateway.SetNamespace("default")
		gateway.SetName(w.class)
		want := map[string]string{"nginx-external": published, "nginx": "", "host": lanNode}[w.class]
		d.until(t, w.class+" is programmed", func() error {
			d.get(t, gateway)
			status := fmt.Sprint(gateway.Object["status"])
			if !strings.Contains(status, "Programmed status:True") || !strings.Contains(status, want) {
				return fmt.Errorf("want the address %q: %s", want, status)
			}
			return nil
		})
	}
}
