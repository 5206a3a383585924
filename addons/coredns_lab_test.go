//go:build lab

package addons

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/kbm-dev/kbm/cluster"
)

// TestZonesAndHosts asks CoreDNS for names that the spec leads elsewhere.
func TestZonesAndHosts(t *testing.T) {
	if !alone(t) {
		return
	}
	s := newStreet(t, cluster.Addons{}, "coredns")
	openNameServer(t)
	s.cluster.Network.Zones = map[string][]string{"home.example": {streetHome + ":5353"}}
	s.cluster.Network.Hosts = map[string]string{"nas.lan": "192.168.1.5", "printer.home.example": "192.168.1.6"}
	s.render(t, "coredns")
	at := s.move(t, "dns", "10.99.0.11")
	s.live(t, "coredns", find(t, s.all, "Deployment", "coredns"), at)
	for name, want := range map[string]string{
		"nas.lan":                              "192.168.1.5",
		"by-hand.home.example":                 "203.0.113.9", // of the zone's name server
		"printer.home.example":                 "192.168.1.6", // which does not know it
		"kubernetes.default.svc.cluster.local": s.cluster.APIServiceIP().String(),
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		eventually(ctx, t, name+" is known", func() error {
			if got := askAt(at.address, "1053", "A", name); got != want {
				return fmt.Errorf("got %q, want %s", got, want)
			}
			return nil
		})
		cancel()
	}
}
