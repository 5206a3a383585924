package pki

import (
	"crypto/rand"
	"testing"
	"time"
)

// It is issued once, for whoever asks, and renewed as the others are.
func TestEnsureFirstBoot(t *testing.T) {
	c, at := testCluster(t), time.Now()
	set := mustEnsure(t, c, at)
	before := tree(t, c)
	first, err := EnsureFirstBoot(store(t, c), set, c, at, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if got := cert(t, first).Subject.String(); got != "CN=kbm-first-boot,O=system:masters" {
		t.Errorf("it is of %s", got)
	}
	if after := tree(t, c); len(after) != len(before)+2 {
		t.Errorf("there are %d files, after %d", len(after), len(before))
	}
	again, err := EnsureFirstBoot(store(t, c), set, c, at.Add(day), rand.Reader)
	if err != nil || string(again.Cert) != string(first.Cert) {
		t.Errorf("it was issued anew, %v", err)
	}
	later, err := EnsureFirstBoot(store(t, c), set, c, at.Add(300*day), rand.Reader)
	if err != nil || string(later.Cert) == string(first.Cert) {
		t.Errorf("it was not renewed, %v", err)
	}
}
