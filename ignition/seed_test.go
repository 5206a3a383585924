package ignition

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/uuid"
	"go.yaml.in/yaml/v3"
)

func TestIdentityBelongsToTheName(t *testing.T) {
	one, two := sample(), sample()
	two.Name = "cp2"
	ids := map[string]bool{}
	for _, m := range []Machine{one, one, two} {
		files, err := configDrive(m)
		if err != nil {
			t.Fatal(err)
		}
		var meta struct{ UUID string }
		if err := json.Unmarshal(files["openstack/latest/meta_data.json"], &meta); err != nil {
			t.Fatal(err)
		}
		if _, err := uuid.Parse(meta.UUID); err != nil {
			t.Error(err)
		}
		ids[meta.UUID] = true
	}
	if len(ids) != 2 {
		t.Errorf("two machines have %d identities", len(ids))
	}
}

func TestNetworkConfig(t *testing.T) {
	for name, c := range map[string]struct {
		network Network
		want    string // YAML
	}{
		"interface": {
			Network{Address: "10.0.0.2/8", Interface: "eno1"},
			"{version: 2, ethernets: {eno1: {addresses: [10.0.0.2/8]}}}",
		},
		"MAC before interface": {
			Network{Address: "10.0.0.2/8", Interface: "eno1", MAC: "52:54:00:00:00:01"},
			"{version: 2, ethernets: {lan0: {match: {macaddress: '52:54:00:00:00:01'}, set-name: lan0, addresses: [10.0.0.2/8]}}}",
		},
		"only card, IPv6": {
			Network{Address: "fd00::2/64", Gateway: "fd00::1", DNS: []string{"fd00::1"}},
			"{version: 2, ethernets: {lan: {match: {name: 'e*'}, addresses: ['fd00::2/64'], routes: [{to: '::/0', via: 'fd00::1'}], nameservers: {addresses: ['fd00::1']}}}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.network.cloud()
			if err != nil {
				t.Fatal(err)
			}
			if canonical(t, got) != canonical(t, []byte(c.want)) {
				t.Errorf("got\n%s", got)
			}
		})
	}
	for want, n := range map[string]Network{"address": {Address: "10.0.0.2"}, "gateway": {Address: "10.0.0.2/8", Gateway: "router"}} {
		if _, err := n.cloud(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error on the %s", err, want)
		}
	}
}

func canonical(t *testing.T, doc []byte) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal(doc, &v); err != nil {
		t.Fatal(err)
	}
	out, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
