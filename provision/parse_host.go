package provision

import (
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// parseHost reads the section of single values: uname, nproc, then key=value.
func (f *Facts) parseHost(lines []string) error {
	if len(lines) < 2 {
		return fmt.Errorf("the host section has %d lines", len(lines))
	}
	uname := strings.Fields(lines[0])
	if len(uname) != 3 {
		return fmt.Errorf("uname answered %q", lines[0])
	}
	f.Hostname, f.Kernel, f.Arch = uname[0], uname[1], uname[2]
	var err error
	if f.CPUs, err = strconv.Atoi(lines[1]); err != nil {
		return fmt.Errorf("nproc answered %q", lines[1])
	}
	for _, line := range lines[2:] {
		key, value, _ := strings.Cut(line, "=")
		if err := f.parseValue(key, value); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

func (f *Facts) parseValue(key, value string) (err error) {
	switch key {
	case "machine-id":
		f.MachineID = value
	case "boot-id":
		f.BootID = value
	case "cgroup":
		f.Cgroup, err = strconv.Atoi(value)
	case "cgroup-v1":
		f.CgroupV1 = true
	case "systemd":
		f.Systemd = true
	case "missing":
		f.Missing = append(f.Missing, value)
	case "pending":
		f.Pending = append(f.Pending, value)
	case "swap":
		f.Swap = append(f.Swap, value)
	case "memory":
		f.Memory, err = strconv.ParseInt(value, 10, 64)
		f.Memory <<= 10
	case "mac":
		name, mac, _ := strings.Cut(value, " ")
		f.MACs[name] = mac
	case "listen":
		var at netip.AddrPort
		at, err = parseListen(value)
		if !slices.Contains(f.Listening, at) {
			f.Listening = append(f.Listening, at)
		}
	case "route":
		var r Route
		r, err = parseRoute(value)
		f.Routes = append(f.Routes, r)
	}
	return err
}

// kernelAddress decodes an address of /proc/net: 32 bit words in the
// machine's byte order, which is little-endian on everything kbm runs on.
func kernelAddress(s string) (netip.Addr, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b)%4 != 0 {
		return netip.Addr{}, fmt.Errorf("address %q", s)
	}
	for word := range slices.Chunk(b, 4) {
		slices.Reverse(word)
	}
	addr, ok := netip.AddrFromSlice(b)
	if !ok {
		return netip.Addr{}, fmt.Errorf("address %q", s)
	}
	return addr.Unmap(), nil
}

func parseListen(s string) (netip.AddrPort, error) {
	host, port, _ := strings.Cut(s, ":")
	addr, err := kernelAddress(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	n, err := strconv.ParseUint(port, 16, 16)
	return netip.AddrPortFrom(addr, uint16(n)), err
}

func parseRoute(s string) (Route, error) {
	fields := strings.Fields(s)
	if len(fields) != 3 {
		return Route{}, fmt.Errorf("%d columns", len(fields))
	}
	dest, err := kernelAddress(fields[1])
	if err != nil {
		return Route{}, err
	}
	mask, err := strconv.ParseUint(fields[2], 16, 32)
	if err != nil {
		return Route{}, err
	}
	ones := 0
	for ; mask != 0; mask &= mask - 1 {
		ones++
	}
	return Route{Interface: fields[0], Destination: netip.PrefixFrom(dest, ones).Masked()}, nil
}

// parseAddresses reads `ip -o addr`: "2: eth0    inet 192.168.1.11/24 …".
func (f *Facts) parseAddresses(lines []string) {
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[2], "inet") {
			continue
		}
		if p, err := netip.ParsePrefix(fields[3]); err == nil {
			f.Addresses = append(f.Addresses, Address{Interface: fields[1], Prefix: p})
		}
	}
}
