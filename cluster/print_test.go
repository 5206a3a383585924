package cluster

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"testing"
)

// Every setting that stands in a printed file as a comment must be readable
// once its # is taken away: that is what the comment is for.
func TestCommentedSettingsAreValid(t *testing.T) {
	setting := regexp.MustCompile(`(?m)^( *)# ([a-zA-Z]+:( |$))`)
	text, err := Print(&Cluster{APIVersion: APIVersion, Kind: "Cluster", Name: "home"})
	if err != nil {
		t.Fatal(err)
	}
	c, faults := Parse(File, setting.ReplaceAll(text, []byte("$1$2")))
	if len(faults) > 0 {
		t.Errorf("%v in:\n%s", faults, text)
	}
	if c.Network.MTU != DefaultMTU || len(c.Secrets.Recipients) != 2 {
		t.Errorf("got %+v", c)
	}
	if text, err = PrintNode(&Node{APIVersion: APIVersion, Kind: "Node", Name: "w1"}); err != nil {
		t.Fatal(err)
	}
	n, faults := ParseNode("nodes/w1.yaml", setting.ReplaceAll(text, []byte("$1$2")))
	if len(faults) > 0 || len(n.Taints) != 1 || n.SSH.Port != 22 {
		t.Errorf("got %+v, %v", n, faults)
	}
}

// The schema is read by editors: every setting says what it is for, and what a
// printed file looks like fits it.
func TestSchemaDescribesEverySetting(t *testing.T) {
	for _, kind := range Kinds() {
		text, err := Schema(kind)
		if err != nil {
			t.Fatal(err)
		}
		var s struct {
			Defs map[string]struct {
				Properties map[string]map[string]any
				Required   []string
			} `json:"$defs"`
		}
		if err := json.Unmarshal(text, &s); err != nil {
			t.Fatal(err)
		}
		for def, d := range s.Defs {
			for name, p := range d.Properties {
				if p["description"] == nil && p["const"] == nil {
					t.Errorf("%s: %s.%s has no description", kind, def, name)
				}
			}
		}
		if kind == "node" && !reflect.DeepEqual(s.Defs["Node"].Required, []string{"apiVersion", "kind", "name", "role", "address"}) {
			t.Errorf("got %v", s.Defs["Node"].Required)
		}
		if kind == "cluster" && s.Defs["Network"].Properties["mtu"]["default"] != 1500.0 {
			t.Errorf("got %v", s.Defs["Network"].Properties["mtu"])
		}
	}
}

func FuzzCluster(f *testing.F) {
	f.Add([]byte(clusterText))
	f.Add([]byte("apiVersion: 1\nname: [x]\nnetwork: {mtu: {}}\nnetwork: 3\n"))
	f.Add([]byte(clusterText + "ssh: {authorizedKeys: [\"a\\nb\", '  ', \"\\u0085\"]}\n"))
	f.Add([]byte(clusterText + "addons:\n  ingress: {classes: [{}, {name: a, expose: nodePort, roles: [x]}]}\n" +
		"  loadBalancer: {pools: [{addresses: [\"-\", 1.2.3.4-1.2.3.5, fd00::/64]}], peers: [{password: {}}]}\n" +
		"  dns: {provider: webhook, webhook: {secretEnv: {a: {env: B}}}}\n  metrics: {}\n"))
	f.Add([]byte(clusterText + "addons:\n  certs: {email: a@b.c}\n  auth: {options: {a-b: c}}\n" +
		"  dns: {rfc2136: {server: \"[::1]:53\"}, interval: 1s}\n  extra: {tls: [{}], htpasswd: [{file: ..}]}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, _ := Parse(File, text)
		if c == nil {
			return
		}
		_ = c.WithDefaults().Validate() // it must not panic
		once, err := Print(c)
		if err != nil {
			t.Fatal(err)
		}
		again, faults := Parse(File, once)
		if again == nil {
			t.Fatalf("%v in:\n%s", faults, once)
		}
		twice, err := Print(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v: printed\n%s\nthen\n%s", err, once, twice)
		}
	})
}

func FuzzNode(f *testing.F) {
	f.Add([]byte(nodeText))
	f.Add([]byte(nodeText + "labels: {a: b, \"\": x}\ntaints: [{key: a}, null]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n, _ := ParseNode("nodes/w1.yaml", text)
		if n == nil {
			return
		}
		_ = (&Cluster{}).WithNodes(*n).Validate() // it must not panic
		once, err := PrintNode(n)
		if err != nil {
			t.Fatal(err)
		}
		again, faults := ParseNode("nodes/w1.yaml", once)
		if again == nil {
			t.Fatalf("%v in:\n%s", faults, once)
		}
		twice, err := PrintNode(again)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%v: printed\n%s\nthen\n%s", err, once, twice)
		}
	})
}
