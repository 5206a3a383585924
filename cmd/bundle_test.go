package cmd

import (
	"bytes"
	"context"
	"strings"
	"testing"
)

func TestBundleCommands(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("KBM_CACHE", cache)
	dir := t.TempDir()
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"bundle path", exitOK, cache + "/bundle/v1.37.1-linux-"},
		{"bundle path --kubernetes v1.36.4 --arch arm64", exitOK, cache + "/bundle/v1.36.4-linux-arm64\n"},
		{"bundle list --all", exitOK, "registry.k8s.io/kube-apiserver:v1.37.1"},
		{"bundle list", exitInput, "kbm bundle build"},
		{"bundle verify", exitInput, "no bundle in " + cache},
		{"bundle build kubelot", exitInput, `no artefact or group is called "kubelot"`},
		{"bundle build --kubernetes v1.30.0", exitInput, "the versions are v1.37.1, v1.36."},
		{"bundle build --arch mips", exitInput, "it is amd64 or arm64"},
	} {
		var out bytes.Buffer
		args := append([]string{"--dir", dir}, strings.Fields(test.args)...)
		code := Main(context.Background(), args, strings.NewReader(""), &out, &out)
		if code != test.code || !strings.Contains(out.String(), test.want) {
			t.Errorf("kbm %s: exit %d, want %d and %q in:\n%s", test.args, code, test.code, test.want, out.String())
		}
	}
}
