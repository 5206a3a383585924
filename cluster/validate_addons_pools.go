package cluster

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Protocols lists the ways in which a pool's addresses become known.
func Protocols() []string { return []string{Layer2, BGP} }

const maxASN = 1<<32 - 1 // RFC 6793

func checkLoadBalancer(k checker, c *Cluster) {
	l := c.Addons.LoadBalancer
	if len(l.Pools) == 0 {
		k.missing("pools", "write one such as {name: lan, addresses: [192.168.1.240-192.168.1.250]}")
	}
	k.names("pools", l.poolNames(), "lan")
	speaks := false
	taken := []addressRange{}
	for i, pool := range l.Pools {
		at := k.in("pools", i)
		at.oneOf("protocol", pool.Protocol, Protocols())
		if len(pool.Addresses) == 0 {
			at.missing("addresses", "write one such as 192.168.1.240-192.168.1.250")
		}
		for j, text := range pool.Addresses {
			path := fmt.Sprintf("addresses[%d]", j)
			r, wrong, right := parseRange(text)
			if wrong == "" {
				wrong, right = rangeFault(r, c, pool, taken)
			}
			if wrong != "" {
				at.add(path, text, wrong, right)
				continue
			}
			r.owner = "pool " + pool.Name
			taken = append(taken, r)
		}
		checkInterfaces(at, pool)
		if pool.Protocol == BGP && len(l.Peers) == 0 {
			at.add("protocol", BGP, "has no router to tell", "add addons.loadBalancer.peers, or write protocol: "+Layer2)
		}
		speaks = speaks || pool.Protocol == BGP
	}
	if len(l.Peers) > 0 && !speaks && len(l.Pools) > 0 {
		k.add("peers", "", "is not used: no pool has protocol: "+BGP, "take it out, or write protocol: "+BGP+" in a pool")
	}
	checkPeers(k, l.Peers)
}

func checkInterfaces(k checker, pool Pool) {
	if len(pool.Interfaces) > 0 && pool.Protocol == BGP {
		k.add("interfaces", "", "is not used with protocol: "+BGP, "take it out")
	}
	for i, name := range pool.Interfaces {
		if !interfaceName.MatchString(name) || strings.ContainsAny(name, "*?") {
			k.add(fmt.Sprintf("interfaces[%d]", i), name, "is not the name of an interface", "write one such as eno1, up to 15 characters")
		}
	}
}

func checkPeers(k checker, peers []BGPPeer) {
	const right = "write a number from 1 to 4294967295, such as 64512"
	for i, peer := range peers {
		at := k.in("peers", i)
		at.address("address", peer.Address)
		at.port("port", peer.Port)
		for _, asn := range []struct {
			path   string
			number int
		}{{"asn", peer.ASN}, {"myASN", peer.MyASN}} {
			switch {
			case asn.number == 0:
				at.missing(asn.path, right)
			case asn.number < 0 || asn.number > maxASN:
				at.add(asn.path, strconv.Itoa(asn.number), "is not an autonomous system", right)
			}
		}
		same := func(other BGPPeer) bool { return other.Address == peer.Address }
		if slices.ContainsFunc(peers[:i], same) {
			at.add("address", peer.Address, "is there twice", "keep one")
		}
	}
}

func (l *LoadBalancer) poolNames() []string {
	names := []string{}
	for _, pool := range l.Pools {
		names = append(names, pool.Name)
	}
	return names
}

// assigns tells whether a Service that asks for nothing gets an address.
func (l *LoadBalancer) assigns() bool {
	return slices.ContainsFunc(l.Pools, func(p Pool) bool { return p.AutoAssign == nil || *p.AutoAssign })
}

// holds tells whether an address is in a pool.
func (l *LoadBalancer) holds(ip netip.Addr) bool {
	for _, pool := range l.Pools {
		for _, text := range pool.Addresses {
			if r, wrong, _ := parseRange(text); wrong == "" && r.contains(ip) {
				return true
			}
		}
	}
	return false
}
