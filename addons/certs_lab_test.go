//go:build lab

package addons

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// TestCerts runs cert-manager's three programs with pebble, an ACME server that
// proves names as Let's Encrypt does, and BIND.
func TestCerts(t *testing.T) {
	t.Parallel() // cert-manager waits for a minute in it
	if !alone(t) {
		return
	}
	s := newStreet(t, cluster.Addons{
		Ingress: gateways(),
		DNS: &cluster.DNS{
			Provider: cluster.ProviderRFC2136, Domains: []string{"home.example"},
			RFC2136: &cluster.RFC2136{Server: streetHome + ":5353", KeyName: "kbm"},
		},
		Certs: &cluster.Certs{
			Resolvers: []string{streetHome + ":5353"},
			Issuers: []cluster.Issuer{
				{Name: "acme", Server: "https://" + streetHome + ":14000/dir", CAFile: "ca.crt", Class: "external", DNS01: []string{"wild.home.example"}},
				{Name: "private-ca", PrivateCA: true},
			},
		},
	}, "ingress", "certs")
	openNameServer(t)
	s.openACME(t)
	s.openWebServer(t)
	hook := s.move(t, "webhook", "10.99.0.11")
	s.lead(t, "cert-manager", "cert-manager-webhook", "https", 10250, nodeName, hook.address)
	s.live(t, "cert-manager-webhook", find(t, s.all, "Deployment", "cert-manager-webhook"), hook)
	s.live(t, "cert-manager-cainjector", find(t, s.all, "Deployment", "cert-manager-cainjector"), s.move(t, "cainjector", "10.99.0.12"))
	begun := time.Now()
	s.complete(t)
	t.Logf("the issuers were taken %s after the webhook ran", time.Since(begun).Round(time.Second/10))
	home := s.move(t, "controller", "10.99.0.13")
	home.hosts = streetHome + " web.home.example\n"
	s.live(t, "cert-manager-controller", find(t, s.all, "Deployment", "cert-manager"), home)

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if err := s.engine.apply(ctx, manifest(t, twoInOne)); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("the webhook lets in an issuer of two kinds: %v", err)
	}
	for _, o := range strings.Split(wishes, "---\n") {
		if err := s.engine.apply(ctx, manifest(t, o)); err != nil {
			t.Fatal(err)
		}
	}
	for secret, name := range map[string]string{"nas-tls": "nas.lan", "web-tls": "web.home.example", "wild-tls": "x.wild.home.example"} {
		eventually(ctx, t, "there is a certificate of "+name, func() error { return s.certified(t, secret, name) })
	}
	if err := s.verified("nas-tls", pki.PrivateCA); err != nil {
		t.Error(err)
	}
	eventually(ctx, t, "nothing is left of the proofs", func() error {
		challenges := &unstructured.UnstructuredList{}
		challenges.SetAPIVersion("acme.cert-manager.io/v1")
		challenges.SetKind("ChallengeList")
		if err := s.engine.client.List(ctx, challenges); err != nil || len(challenges.Items) == 0 {
			return err
		}
		return errors.New("there are challenges")
	})
	checkRights(t, s.all, s.audit, "cert-manager", "controller",
		"patch /events",                                                              // that repeat themselves
		"approve cert-manager.io/signers",                                            // not a request: the webhook asks whether it may
		"update cert-manager.io/certificates", "delete cert-manager.io/certificates", // after their Ingress
		"update cert-manager.io/certificaterequests", "delete cert-manager.io/certificaterequests", "delete acme.cert-manager.io/orders", // of another try
		"update cert-manager.io/issuers/status", // a user's own
		"get gateway.networking.k8s.io/httproutes", "create gateway.networking.k8s.io/httproutes",
		"update gateway.networking.k8s.io/httproutes", "delete gateway.networking.k8s.io/httproutes", // of issuers that prove by a Gateway
		"get networking.k8s.io/ingresses", "update networking.k8s.io/ingresses", // which may answer in an Ingress that is there
	)
	checkRights(t, s.all, s.audit, "cert-manager", "webhook", "update /secrets") // when its CA gets old
	checkRights(t, s.all, s.audit, "cert-manager", "cainjector",
		"patch apiregistration.k8s.io/apiservices", "patch apiextensions.k8s.io/customresourcedefinitions") // other people's
}

const twoInOne = `{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: two}, spec: {selfSigned: {}, ca: {secretName: private-ca}}}`

// What is asked for, and the account of the pods that answer, which a controller
// manager would make.
const wishes = `apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: default}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: nas, namespace: default}
spec: {secretName: nas-tls, dnsNames: [nas.lan], issuerRef: {name: private-ca, kind: ClusterIssuer}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: wild, namespace: default}
spec: {secretName: wild-tls, dnsNames: ["*.wild.home.example"], issuerRef: {name: acme, kind: ClusterIssuer}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web, namespace: default, annotations: {cert-manager.io/cluster-issuer: acme}}
spec:
  ingressClassName: external
  tls: [{hosts: [web.home.example], secretName: web-tls}]
  rules: [{host: web.home.example}]
`

func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	o := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &o.Object); err != nil {
		t.Fatal(err)
	}
	return o
}

// openACME runs pebble with the API server's certificate, which is for the same address.
func (s *street) openACME(t *testing.T) {
	t.Helper()
	pair := s.set.Node(nodeName).Get(pki.APIServer)
	config := filepath.Join(t.TempDir(), "pebble.json")
	text := fmt.Sprintf(`{"pebble": {"listenAddress": "%[1]s:14000", "managementListenAddress": "%[1]s:15000", "httpPort": 80, "tlsPort": 443, "certificate": %[2]q, "privateKey": %[3]q}}`,
		streetHome, keep(t, pair.Cert), keep(t, pair.Key))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Without these, pebble dawdles and refuses at random, to exercise clients.
	s.start(t, "env", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0",
		s.program(t, "pebble"), "-config", config, "-dnsserver", streetHome+":5353", "-strict=false")
}

// openWebServer answers proofs as an ingress and the pod behind it would.
func (s *street) openWebServer(t *testing.T) {
	t.Helper()
	server := &http.Server{Addr: streetHome + ":80", Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		solvers := &corev1.PodList{}
		if err := s.engine.client.List(r.Context(), solvers, client.InNamespace("default")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		for i := range solvers.Items {
			args := solvers.Items[i].Spec.Containers[0].Args
			if slices.Contains(args, "--token="+path.Base(r.URL.Path)) && slices.Contains(args, "--domain="+strings.TrimSuffix(r.Host, ":80")) {
				key := slices.IndexFunc(args, func(a string) bool { return strings.HasPrefix(a, "--key=") })
				_, _ = fmt.Fprint(w, strings.TrimPrefix(args[key], "--key="))
				return
			}
		}
		http.NotFound(w, r)
	})}
	go func() { _ = server.ListenAndServe() }()
	t.Cleanup(func() { _ = server.Close() })
}

// certified is an error unless the Secret holds a certificate of the name.
func (s *street) certified(t *testing.T, secret, name string) error {
	t.Helper()
	cert, err := s.certificate(secret)
	if err != nil {
		return err
	}
	return cert.VerifyHostname(name)
}

func (s *street) verified(secret string, by pki.Name) error {
	cert, err := s.certificate(secret)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(s.set.Get(by).Cert)
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots})
	return err
}

func (s *street) certificate(name string) (*x509.Certificate, error) {
	var secret corev1.Secret
	if err := s.engine.client.Get(context.Background(), client.ObjectKey{Namespace: "default", Name: name}, &secret); err != nil {
		return nil, err
	}
	block, _ := pem.Decode(secret.Data["tls.crt"])
	if block == nil {
		return nil, errors.New("it holds no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}
