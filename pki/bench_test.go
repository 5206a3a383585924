package pki

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

func BenchmarkEnsure(b *testing.B) {
	for _, nodes := range []int{1, 10, 100, 1000} {
		c := (&cluster.Cluster{Name: "big", Endpoint: cluster.Endpoint{VIP: "10.0.0.2"}}).WithDefaults()
		var more []cluster.Node
		for i := range nodes {
			role := cluster.Worker
			if i < 3 {
				role = cluster.Controller
			}
			more = append(more, cluster.Node{Name: fmt.Sprintf("n%d", i), Role: role, Address: fmt.Sprintf("10.1.%d.%d", i/250, 1+i%250)})
		}
		c = c.WithNodes(more...)
		for _, sealed := range []bool{false, true} {
			b.Run(fmt.Sprintf("nodes=%d/sealed=%t", nodes, sealed), func(b *testing.B) { benchmarkEnsure(b, c, sealed) })
		}
	}
}

func benchmarkEnsure(b *testing.B, c *cluster.Cluster, sealed bool) {
	c = c.WithNodes()
	identity := newIdentity(b)
	if sealed {
		c.Secrets.Recipients = []string{identity.Recipient().String()}
	}
	b.ReportAllocs()
	var first, second time.Duration
	for b.Loop() {
		c.Dir = b.TempDir()
		for _, took := range []*time.Duration{&first, &second} {
			start := time.Now()
			if _, err := Ensure(sealedStore(b, c, identity), c, now, rand.Reader); err != nil {
				b.Fatal(err)
			}
			*took += time.Since(start)
		}
	}
	b.ReportMetric(first.Seconds()/float64(b.N), "s/issue")
	b.ReportMetric(second.Seconds()/float64(b.N), "s/check")
}
