package addons

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/kbm-dev/kbm/cluster"
)

// oneSecret is a Sources with the same value for every secret.
type oneSecret struct {
	Review
	value string
}

func (o oneSecret) Secret(cluster.Secret) ([]byte, error) { return []byte(o.value), nil }

// TestDNSProviders renders external-dns, and cert-manager where it can prove
// names through the same provider.
func TestDNSProviders(t *testing.T) {
	secret := cluster.Secret{Env: "SECRET"}
	for _, test := range []struct {
		dns  cluster.DNS
		want []string
	}{
		{cluster.DNS{Provider: cluster.ProviderCloudflare, Cloudflare: &cluster.Cloudflare{APIToken: secret, Proxied: true}}, []string{
			"CF_API_TOKEN: $SECRET", "--provider=cloudflare", "--cloudflare-proxied", "api-token: $SECRET", "apiTokenSecretRef:",
		}},
		{cluster.DNS{Provider: cluster.ProviderRoute53, Route53: &cluster.Route53{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: secret, ZoneType: "public"}}, []string{
			"AWS_SECRET_ACCESS_KEY: $SECRET", "--provider=aws", "--aws-zone-type=public", "value: AKIAIOSFODNN7EXAMPLE", "value: us-east-1",
			"secret-access-key: $SECRET", "region: us-east-1",
		}},
		{cluster.DNS{Provider: cluster.ProviderRFC2136, RFC2136: &cluster.RFC2136{Server: "fd00::53", KeyName: "kbm", Key: secret, Algorithm: "hmac-sha512"}}, []string{
			"EXTERNAL_DNS_RFC2136_TSIG_SECRET: $SECRET", "--rfc2136-host=fd00::53", "--rfc2136-port=53", "--rfc2136-zone=example.com",
			"tsig-key: $SECRET", "nameserver: '[fd00::53]:53'", "tsigAlgorithm: HMACSHA512",
		}},
		{cluster.DNS{Provider: cluster.ProviderWebhook, Webhook: &cluster.DNSWebhook{
			Image: "example.com/hetzner:v1", Env: map[string]string{"TTL": "300"}, SecretEnv: map[string]cluster.Secret{"HETZNER_TOKEN": secret},
		}}, []string{"HETZNER_TOKEN: $SECRET", "--provider=webhook", "image: example.com/hetzner:v1", `value: "300"`, "restartPolicy: Always"}},
	} {
		t.Run(test.dns.Provider, func(t *testing.T) {
			test.dns.Domains = []string{"example.com"}
			c := clusters()["home"]
			c.Addons = cluster.Addons{DNS: &test.dns, Certs: &cluster.Certs{Email: "me@example.com"}}
			got := textOf(t, c.WithDefaults(), oneSecret{value: "in-clear"}, "dns", "certs")
			if strings.Contains(got, "in-clear") {
				t.Error("the secret stands in clear")
			}
			encoded := base64.StdEncoding.EncodeToString([]byte("in-clear"))
			for _, want := range test.want {
				if want = strings.ReplaceAll(want, "$SECRET", encoded); !strings.Contains(got, want) {
					t.Errorf("no %s in:\n%s", want, got)
				}
			}
		})
	}
}

// textOf is the text of some addons, without definitions of custom resources.
func textOf(t *testing.T, c *cluster.Cluster, sources Sources, names ...string) string {
	t.Helper()
	all, err := Render(c, sources)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, a := range all {
		if !slices.Contains(names, a.Name) {
			continue
		}
		kept := a.Objects[:0:0]
		for _, o := range a.Objects {
			if o.GetKind() != crdKind {
				kept = append(kept, o)
			}
		}
		a.Objects = kept
		yaml, err := a.YAML()
		if err != nil {
			t.Fatal(err)
		}
		text.Write(yaml)
	}
	return text.String()
}
