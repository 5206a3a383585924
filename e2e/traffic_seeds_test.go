//go:build lab

package e2e

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// beside is what the article of seed 000 takes for granted: a certificate, and a
// Service that leads to oauth2-proxy. For seed 004 kbm's own serves the app's host.
const beside = `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: tls-app1, namespace: app1}
spec: {secretName: tls-app1, dnsNames: [app1.k8s.example.com], issuerRef: {kind: ClusterIssuer, name: private-ca}}
---
apiVersion: v1
kind: Service
metadata: {name: oauth2-proxy, namespace: app1}
spec: {ports: [{port: 80, targetPort: %[2]s}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: oauth2-proxy, namespace: app1, labels: {kubernetes.io/service-name: oauth2-proxy}}
addressType: IPv4
ports: [{port: %[2]s}]
endpoints: [{addresses: [%[1]s]}]
`

// plantSeeds applies what people wrote for other clusters, as they wrote it.
func plantSeeds(t *testing.T, x *traffic) {
	t.Helper()
	for _, file := range []string{"000-app1", "001-podinfo", "002-grafana", "003-default-backend", "003-echoheaders", "004-ingress-nginx", "004-nodejs-app", "004-sign-in"} {
		x.Kubectl(t, "apply", "-f", seedFile(t, file))
	}
	oauth2 := strings.Fields(x.Kubectl(t, "-n", "auth", "get", "service", "oauth2-proxy", "-o", "jsonpath={.spec.clusterIP} {.spec.ports[0].port}"))
	x.Apply(t, fmt.Sprintf(beside, oauth2[0], oauth2[1]))
}

func seedFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(checkout(t), "testdata/seeds", name+".yaml")
}

// seeds are served.
func seeds(t *testing.T, x *traffic) {
	t.Run("001 podinfo", func(t *testing.T) {
		got := browse(t, x.Cluster, x.acme).want(t, "http://podinfo.apps.kronform.pius.dev/hostname", http.StatusOK)
		if !strings.HasPrefix(got.body, "podinfo-") || !strings.HasPrefix(got.url, "https:") {
			t.Errorf("ended at %s", got)
		}
	})
	t.Run("002 grafana", func(t *testing.T) {
		got := browse(t, x.Cluster, nil).want(t, "http://grafana.boston.jeffreyforman.net/hostname", http.StatusOK)
		if !strings.HasPrefix(got.body, "grafana-") {
			t.Errorf("ended at %s", got)
		}
	})
	t.Run("003 echoheaders", func(t *testing.T) {
		browse(t, x.Cluster, nil).wantBody(t, "http://echo.example.com/header?key=User-Agent", "Go-http-client/1.1")
	})
	t.Run("004 app with TLS and limits", func(t *testing.T) {
		b := browse(t, x.Cluster, x.private)
		got := b.want(t, "http://nodejs-app-external.encompasshost.com/hostname", http.StatusOK)
		if !strings.HasPrefix(got.body, "nodejs-app-") || !strings.HasPrefix(got.url, "https:") {
			t.Errorf("ended at %s", got)
		}
		flood(t, b, "https://nodejs-app-external.encompasshost.com/hostname", 80)
	})
	t.Run("004 app inside", func(t *testing.T) {
		b := browse(t, x.Cluster, nil)
		const page = "http://nodejs-app.encompasshost.com/hostname"
		if got := b.want(t, page, http.StatusOK); !strings.HasPrefix(got.body, "nodejs-app-") {
			t.Errorf("ended at %s", got)
		}
		x.Kubectl(t, "apply", "-f", seedFile(t, "004-basic-auth"))
		b.want(t, page, http.StatusUnauthorized)
		b.want(t, page, http.StatusOK, basic("someuser", "somepassword"))
	})
	t.Run("003 default backend", func(t *testing.T) {
		got := browse(t, x.Cluster, nil).via(seedAddress).want(t, "http://nobody.example.com/hostname", http.StatusOK)
		if !strings.HasPrefix(got.body, "default-http-backend-") {
			t.Errorf("what no rule matches: %s", got)
		}
	})
	for name, app := range map[string]struct{ host, pod string }{
		"000 app1 with a sign-in": {"app1.k8s.example.com", "app1-"},
		"004 app with a sign-in":  {"application.encompasshost.com", "nodejs-app-"},
	} {
		t.Run(name, func(t *testing.T) {
			b := browse(t, x.Cluster, x.all)
			form := b.want(t, "https://"+app.host+"/hostname", http.StatusOK)
			if !strings.HasPrefix(form.url, ssoURL) {
				t.Fatalf("a stranger ends at %s", form)
			}
			if in := b.fill(t, form, password); in.status != http.StatusOK || in.url != "https://"+app.host+"/hostname" || !strings.HasPrefix(in.body, app.pod) {
				t.Errorf("after the sign-in: %s", in)
			}
		})
	}
}
