//go:build lab

package lab

import (
	"context"
	"net/netip"
	"os"
	"testing"
	"time"
)

func TestDev(t *testing.T) {
	ctx := context.Background()
	l := testLab(t)
	hostKey, userKey := newKey(t), newKey(t)
	m := Machine{Name: "m1", Address: netip.MustParsePrefix("10.99.0.11/24"), ISO: writeMedium(t, config("m1", "10.99.0.11/24", hostKey, userKey))}
	spec := testSpec(t, ctx, m)
	up(t, ctx, l, spec)
	client := login(t, ctx, l, m, hostKey, userKey)
	time.Sleep(time.Second)
	t.Log(run(t, client, "systemd-analyze; systemd-analyze blame | head -12; systemd-analyze critical-chain ssh.service;journalctl -b -o short-monotonic | cut -c1-150; findmnt | cat"))
	b := time.Now()
	for range 5 {
		login(t, ctx, l, m, hostKey, userKey)
	}
	t.Log("5 logins", time.Since(b))
	b = time.Now()
	for range 5 {
		run(t, client, "sudo true")
	}
	t.Log("5 sudos", time.Since(b))
	if os.Getenv("REBOOT") != "" {
		run(t, client, "sudo systemctl reboot")
		client.Close()
		time.Sleep(8 * time.Second)
		c, _ := os.ReadFile(l.consolePath("m1"))
		t.Log(string(c))
		client = login(t, ctx, l, m, hostKey, userKey)
		t.Log(run(t, client, "journalctl -b -1 -o short-monotonic | tail -60; uptime"))
	}
}
