package cluster

import (
	"errors"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// checkGolden compares text with testdata/<the test's name>.golden.
func checkGolden(t *testing.T, got string) {
	t.Helper()
	file := "testdata/" + t.Name() + ".golden"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant (%s; -update writes it):\n%s", got, file, want)
	}
}

// One run must name every fault of a folder: nobody wants to meet them one by one.
func TestEveryFaultAtOnce(t *testing.T) {
	_, err := Load("testdata/faults")
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	checkGolden(t, faults.Error()+"\n")
}

func TestEveryUnreadableKeyAtOnce(t *testing.T) {
	_, err := Load("testdata/unread")
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("got %v, want Faults", err)
	}
	checkGolden(t, faults.Error()+"\n")
}

func TestPrintedCluster(t *testing.T) {
	text, err := Print(&Cluster{
		APIVersion: APIVersion, Kind: "Cluster", Name: "home",
		Kubernetes: Kubernetes{Version: "v1.37.1"},
		Endpoint:   Endpoint{VIP: "192.168.1.10"},
		PKI:        PKI{ExtraSANs: []string{"203.0.113.7"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(text))
}

func TestPrintedNode(t *testing.T) {
	text, err := PrintNode(&Node{
		APIVersion: APIVersion, Kind: "Node", Name: "w1", Role: Worker, Address: "192.168.1.12/24",
		Labels: map[string]string{"example.com/disk": "ssd"},
		Taints: []Taint{{Key: "example.com/reserved", Effect: "NoSchedule"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkGolden(t, string(text))
}
