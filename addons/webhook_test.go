//go:build lab

package addons

import (
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kbm-dev/kbm/pki"
)

// things is an addon as cert-manager and MetalLB are: a definition, a program,
// a webhook, a namespace of its own.
const things = `
apiVersion: v1
kind: Namespace
metadata: {name: things}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, listKind: ThingList, plural: things, singular: thing}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec: {type: object, properties: {address: {type: string}, count: {type: integer}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: program, namespace: things}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: program, namespace: things}
spec:
  selector: {matchLabels: {app: program}}
  template:
    metadata: {labels: {app: program}}
    spec: {containers: [{name: c, image: example.com/program}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: things}
webhooks:
- name: things.example.com
  admissionReviewVersions: [v1]
  sideEffects: None
  timeoutSeconds: 2
  clientConfig: {url: "https://ADDRESS/", caBundle: AUTHORITY}
  rules:
  - {apiGroups: [example.com], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [things]}
`

// webhook is that of things, and denies what MetalLB's does: an address that
// another object has.
type webhook struct {
	engine    *Engine
	address   string
	authority []byte
	pair      tls.Certificate
	server    *http.Server

	mu    sync.Mutex
	asked []string // names of things
}

func newWebhook(t *testing.T, c *control, e *Engine) *webhook {
	t.Helper()
	serving := c.set.Node("cp1").Get(pki.APIServer)
	pair, err := tls.X509KeyPair(serving.Cert, serving.Key)
	if err != nil {
		t.Fatal(err)
	}
	return &webhook{
		engine: e, address: fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		authority: c.set.Get(pki.CA).Cert, pair: pair,
	}
}

// addons are things, and before it an addon of the user's with custom resources.
func (h *webhook) addons(t *testing.T, custom ...string) []Addon {
	t.Helper()
	manifests := strings.NewReplacer("ADDRESS", h.address, "AUTHORITY", base64.StdEncoding.EncodeToString(h.authority)).Replace(things)
	return []Addon{addon(t, "user", strings.Join(custom, "---\n")), addon(t, "things", manifests)}
}

// thing is a custom resource; it lies in another namespace than the program.
func thing(name, spec string) string {
	return fmt.Sprintf("{apiVersion: example.com/v1, kind: Thing, metadata: {name: %s, namespace: default}, spec: {%s}}\n", name, spec)
}

func addon(t *testing.T, name, manifests string) Addon {
	t.Helper()
	objects, err := decode(strings.NewReader(manifests))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.SetLabels(map[string]string{managedByLabel: manager, partOfLabel: name})
	}
	return Addon{Name: name, Objects: objects}
}

func (h *webhook) start(t *testing.T) {
	t.Helper()
	listener, err := net.Listen("tcp", h.address)
	if err != nil {
		t.Error(err)
		return
	}
	h.server = &http.Server{Handler: h, ErrorLog: log.New(io.Discard, "", 0)}
	go func() {
		_ = h.server.Serve(tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{h.pair}}))
	}()
}

func (h *webhook) stop() {
	if h.server != nil {
		_ = h.server.Close()
	}
}

func (h *webhook) wasAsked(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Contains(h.asked, name)
}

func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	var o unstructured.Unstructured
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := json.Unmarshal(review.Request.Object.Raw, &o.Object); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	h.asked = append(h.asked, o.GetName())
	h.mu.Unlock()
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if other := h.clash(r, &o); other != "" {
		review.Response.Allowed = false
		review.Response.Result = &metav1.Status{Message: "its address is that of " + other}
	}
	_ = json.NewEncoder(w).Encode(review)
}

func (h *webhook) clash(r *http.Request, o *unstructured.Unstructured) string {
	all := &unstructured.UnstructuredList{}
	all.SetGroupVersionKind(o.GroupVersionKind())
	if err := h.engine.client.List(r.Context(), all); err != nil {
		return err.Error()
	}
	for i := range all.Items {
		other := &all.Items[i]
		if other.GetName() != o.GetName() && text(other, "spec", "address") == text(o, "spec", "address") {
			return other.GetName()
		}
	}
	return ""
}
