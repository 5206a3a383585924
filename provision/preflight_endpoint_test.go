package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestEndpointNameOnTheMachine(t *testing.T) {
	m := newMachine(t, "")
	hosts := "127.0.1.1 loop.example.com\n192.168.1.10 api.example.com\nfd00::10 six.example.com\n"
	for name, content := range map[string]string{"hosts": hosts, "nsswitch.conf": "hosts: files\n"} {
		if err := os.WriteFile(filepath.Join(m.root, "etc", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"api.example.com":  "",
		"six.example.com":  "",
		"none.example.com": "w1: it cannot resolve endpoint.host none.example.com",
		"loop.example.com": "w1: endpoint.host loop.example.com leads to itself there (127.0.1.1)",
	} {
		err := checkName(t.Context(), "w1", m, name)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}
