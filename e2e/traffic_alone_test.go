//go:build lab

package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/e2e/harness"
)

// trafficAlone has the one machine of a cluster, a controller whose taint is as
// always, let traffic in: all that it takes runs there, and its address answers.
// The machine began with a stock, and is sent nothing.
func trafficAlone(t *testing.T, c *harness.Cluster) {
	setAddons(t, c, `addons:
  ingress: {classes: [{name: internal, expose: loadBalancer, pool: lan}]}
  loadBalancer: {pools: [{name: lan, addresses: [10.90.0.240-10.90.0.247]}]}
  certs: {}
  metrics: {}
`)
	upSendsNothing(t, c)
	nothingLeftToDo(t, c)
	c.Apply(t, "apiVersion: v1\nkind: Namespace\nmetadata: {name: e2e}\n"+strings.ReplaceAll(steady, "AGNHOST", agnhost(t, c))+intranet)
	x := &traffic{Cluster: c, private: trusting(t, filepath.Join(c.Dir, "pki/private-ca.crt"))}
	b := browse(t, c, x.private).via(lanAddress)
	b.wantBody(t, "http://intranet.example.com/hostname", "steady")
	b.wantBody(t, "https://intranet.example.com/header?key=X-Forwarded-For", harness.Gateway)
	kubectlTop(t, x)
}
