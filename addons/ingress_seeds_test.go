//go:build lab

package addons

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// applySeed applies a file of testdata/seeds as kubectl would.
func (d *doorstep) applySeed(t *testing.T, name string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "seeds", name))
	if err != nil {
		t.Fatal(err)
	}
	d.applyText(t, string(text))
}

func (d *doorstep) applyText(t *testing.T, text string) {
	t.Helper()
	objects, err := decode(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		if o.GetKind() != "Namespace" && o.GetNamespace() == "" {
			o.SetNamespace("default")
		}
		d.apply(t, o)
	}
}

func (d *doorstep) apply(t *testing.T, o *unstructured.Unstructured) {
	t.Helper()
	err := d.engine.client.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(o.DeepCopy()), client.FieldOwner("kubectl"), client.ForceOwnership)
	if err != nil {
		t.Fatal(err)
	}
}

// signInWorks is seed 000: the app asks oauth2-proxy under its own name, so the
// ingress asks itself, and trusts the certificate for it is the private CA's.
func signInWorks(t *testing.T, d *doorstep) {
	d.applySeed(t, "000-app1.yaml")
	app := newBackend(t, "app1")
	d.tlsSecret(t, "app1", "tls-app1", "app1.k8s.example.com")
	d.service(t, "app1", "oauth2-proxy", newSignIn(t))
	d.endpoints(t, "app1", "app1", "", app)
	v := d.visitor(ways()[0])
	const url = "https://app1.k8s.example.com/board?week=7"
	a := v.until(t, url, http.StatusFound)
	if got, want := a.Header.Get("Location"), "https://app1.k8s.example.com/oauth2/start?rd=%2Fboard%3Fweek%3D7"; got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
	if a := v.want(t, a.Header.Get("Location"), 200); a.text != "please sign in" {
		t.Errorf("at the sign-in: %q", a.text)
	}
	ann := func(r *http.Request) { r.AddCookie(&http.Cookie{Name: "session", Value: "ann"}) }
	if a := v.until(t, url, 200, ann); a.seen.Backend != "app1" || a.seen.Path != "/board?week=7" {
		t.Errorf("signed in, got %+v", a.seen)
	}

	// Headers of the sign-in's answer reach the app where the Ingress says so, and
	// nobody can make them up, in no spelling.
	var ingress networkingv1.Ingress
	ingress.Namespace, ingress.Name = "app1", "app1"
	d.get(t, &ingress)
	ingress.Annotations[nginx+"auth-response-headers"] = "X-Auth-Request-User"
	if err := d.engine.client.Update(t.Context(), &ingress); err != nil {
		t.Fatal(err)
	}
	const forgery = "X_Auth_Request_User" // the same header to many apps
	d.until(t, "the app hears who signed in", func() error {
		a, err := v.ask(url, ann, header("X-Auth-Request-User", "root"), header(forgery, "root"))
		if err != nil {
			return err
		}
		told := map[string][]string(a.seen.Header) // as it came: a Header would change the name
		if _, forged := told[forgery]; forged || a.seen.Header.Get("X-Auth-Request-User") != "ann" {
			return fmt.Errorf("%s: it was told %v", a.Status, a.seen.Header)
		}
		return nil
	})
}

// seedsServed are the others.
func seedsServed(t *testing.T, d *doorstep) {
	d.tlsSecret(t, "default", "podinfo-tls-secret", "podinfo.apps.kronform.pius.dev")
	d.tlsSecret(t, "default", "encompass-tls-secret", "nodejs-app-external.encompasshost.com", "application.encompasshost.com")
	d.create(t, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "basic-auth"},
		Data:       map[string][]byte{"auth": []byte(htpasswd)},
	})
	for _, file := range []string{"001-podinfo.yaml", "002-grafana.yaml", "003-echoheaders.yaml", "004-nodejs-app.yaml", "004-ingress-nginx.yaml", "004-sign-in.yaml"} {
		d.applySeed(t, file)
	}
	d.endpoints(t, "default", "podinfo", "http", newBackend(t, "podinfo"))
	d.endpoints(t, "default", "grafana-service", "", newBackend(t, "grafana 1"), newBackendAt(t, lanPod, "grafana 2"))
	d.endpoints(t, "default", "echoheaders", "", newBackend(t, "echoheaders"))
	d.endpoints(t, "default", "nodejs-app-svc", "", newBackend(t, "nodejs-app"))
	v := d.visitor(ways()[1])
	for url, want := range map[string]string{
		"https://podinfo.apps.kronform.pius.dev/":        "podinfo",
		"http://grafana.boston.jeffreyforman.net/":       "grafana",
		"http://echo.example.com/":                       "echoheaders",
		"https://nodejs-app-external.encompasshost.com/": "nodejs-app",
		"http://nodejs-app.encompasshost.com/":           "nodejs-app",
	} {
		if got := v.until(t, url, 200).seen.Backend; !strings.HasPrefix(got, want) {
			t.Errorf("%s is served by %q, want %s", url, got, want)
		}
	}
	v.want(t, "http://nodejs-app-external.encompasshost.com/", 308)
	if n := v.count(t, "https://nodejs-app-external.encompasshost.com/", 60)[429]; n < 20 { // 5 x 5 pass
		t.Errorf("%d of 60 requests at once were refused", n)
	}

	d.applySeed(t, "004-basic-auth.yaml")
	const inside = "http://nodejs-app.encompasshost.com/"
	if got := v.until(t, inside, 401).Header.Get("WWW-Authenticate"); got != `Basic realm="Authentication Required"` {
		t.Errorf("asks with %q", got)
	}
	v.want(t, inside, 200, someuser("somepassword"))

	// The sign-in's own path is not part of the seed.
	d.service(t, "default", "sign-in", newSignIn(t))
	path := d.ingressOf("sign-in", "nginx", nil)
	path.Spec.Rules[0].Host = "application.encompasshost.com"
	path.Spec.Rules[0].HTTP.Paths[0].Path = "/oauth2"
	d.create(t, path)
	const application = "https://application.encompasshost.com/"
	v.until(t, application+"oauth2/sign_in", 200)
	want := application + "oauth2/sign_in?rd=https://application.encompasshost.com%2F"
	if got := v.until(t, application, http.StatusFound).Header.Get("Location"); got != want {
		t.Errorf("sent to %s, want %s", got, want)
	}
}

// copiesFollow: what the old annotations' copies do when a person changes things.
func copiesFollow(t *testing.T, d *doorstep) {
	o := d.ingress(t, "copies", "nginx", map[string]string{
		old + "limit-rps": "5", old + "auth-realm": "old", nginx + "auth-realm": "new", old + "signin-url": "https://a/",
	})
	for _, step := range []struct {
		name   string
		change func(annotations map[string]string)
		want   map[string]string
	}{
		{"made", nil, map[string]string{"limit-rps": "5", "auth-realm": "new", "auth-signin": "https://a/", "signin-url": ""}},
		{"a new value", func(a map[string]string) { a[old+"limit-rps"] = "9" }, map[string]string{"limit-rps": "9", "auth-realm": "new"}},
		{"a person writes the copy", func(a map[string]string) { a[nginx+"limit-rps"] = "3" }, map[string]string{"limit-rps": "3"}},
		{"and the old one again", func(a map[string]string) { a[old+"limit-rps"] = "10" }, map[string]string{"limit-rps": "3"}},
		{"the old one goes", func(a map[string]string) { delete(a, old+"limit-rps") }, map[string]string{"limit-rps": "3"}},
		{"the copy goes", func(a map[string]string) { delete(a, nginx+"auth-signin") }, map[string]string{"auth-signin": "https://a/"}},
	} {
		if step.change != nil {
			d.get(t, o)
			step.change(o.Annotations)
			if err := d.engine.client.Update(t.Context(), o); err != nil {
				t.Fatal(err)
			}
		}
		d.get(t, o)
		for name, want := range step.want {
			if got := o.Annotations[nginx+name]; got != want {
				t.Errorf("%s: %s is %q, want %q", step.name, name, got, want)
			}
		}
	}
	// kbm's own apply leaves the copies alone, and has nothing to do over them.
	objects, err := decode(strings.NewReader(strings.ReplaceAll(`
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: by-kbm, namespace: default, annotations: {OLDlimit-rps: "5"}}
spec: {defaultBackend: {service: {name: copies, port: {number: 80}}}, ingressClassName: host}
`, "OLD", old)))
	if err != nil {
		t.Fatal(err)
	}
	extra := Addon{Name: "extra"}
	extra.add("by-kbm.yaml", objects)
	mustApply(t, d.engine, append(slices.Clone(d.all), extra))
	byKbm := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "by-kbm"}}
	if d.get(t, byKbm); byKbm.Annotations[nginx+"limit-rps"] != "5" {
		t.Errorf("applied by kbm it has %v", byKbm.Annotations)
	}
	if changed := mustApply(t, d.engine, append(slices.Clone(d.all), extra)); changed != 0 {
		t.Errorf("a second apply changes %d objects", changed)
	}

	plain := d.ingress(t, "plain", "nginx", nil)
	d.get(t, plain)
	for name := range plain.Annotations {
		t.Errorf("an Ingress without annotations has %s", name)
	}
}
