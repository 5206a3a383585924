package ignition

import (
	"bytes"
	"testing"

	ign "github.com/coreos/ignition/v2/config/v3_4"
	"go.yaml.in/yaml/v3"

	"github.com/kbm-dev/kbm/cluster"
)

// Whatever bytes a file has, both formats give them back.
func FuzzContentArrivesUnchanged(f *testing.F) {
	f.Add([]byte("no\n"))
	f.Add([]byte(" \n  leading and trailing \n\n"))
	f.Add([]byte("\ufeffmark\u2028line\u0085next\r\n"))
	f.Add([]byte{0xff, 0})
	f.Add(bytes.Repeat([]byte("large\n"), packAbove))
	f.Fuzz(func(t *testing.T, content []byte) {
		m := Machine{Name: "n", Hostname: "n", Files: []File{{Path: "/etc/x", Mode: 0o644, Content: content}}}
		out, err := m.Encode(cluster.OS{Format: cluster.CloudConfig}, Base)
		if err != nil {
			t.Fatal(err)
		}
		var config cloudConfig
		if err := yaml.Unmarshal(out, &config); err != nil {
			t.Fatal(err)
		}
		if got := decodeCloud(t, config.WriteFiles[0]); !bytes.Equal(got, content) {
			t.Errorf("cloud-config: got %q, want %q", got, content)
		}
		out, err = m.Encode(cluster.OS{Format: cluster.Ignition, Variant: "flatcar", VariantVersion: "1.1.0"}, Base)
		if err != nil {
			t.Fatal(err)
		}
		parsed, found, err := ign.Parse(out)
		if err != nil || len(found.Entries) > 0 {
			t.Fatal(err, found)
		}
		contents := parsed.Storage.Files[0].Contents
		if got := decode(t, *contents.Source, contents.Compression); !bytes.Equal(got, content) {
			t.Errorf("Ignition: got %q, want %q", got, content)
		}
	})
}
