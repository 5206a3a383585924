package cluster

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation"
)

const rightHost = "write a name or an address alone, such as api.home.example.com or 192.168.1.10"

// hostFault tells why a host could not be the subject of a certificate and the
// target of a connection; both results are empty when it can.
func hostFault(host string) (wrong, right string) {
	if _, err := netip.ParseAddr(host); err == nil {
		return addressFault(host)
	}
	name, port, err := net.SplitHostPort(host)
	switch {
	case strings.Contains(host, "://"):
		return "is a URL", rightHost
	case strings.Contains(host, "/"):
		return "has a slash in it", rightHost
	case strings.ContainsFunc(host, unicode.IsSpace):
		return "has white space in it", rightHost
	case err == nil && isPort(port):
		return "has a port in it", "write " + name + " here, and " + port + " as the port"
	case strings.Contains(host, "*"):
		return "has a wildcard in it, which no connection can be made to", rightHost
	case strings.Contains(host, "_"):
		return "has an underscore, which no certificate can name", "use a name of letters, digits, '-' and '.'"
	case strings.ContainsFunc(host, func(r rune) bool { return r > unicode.MaxASCII }):
		return "has letters that DNS does not have", "write its xn-- form"
	case host != strings.ToLower(host):
		return "has capital letters", "write " + strings.ToLower(host)
	case host == "localhost" || strings.HasSuffix(host, ".localhost"):
		return "is a different machine on every machine", rightHost
	case looksNumeric(host):
		return "is not an address", rightHost
	case len(validation.IsDNS1123Subdomain(host)) > 0:
		return "is not a DNS name", rightHost
	}
	return "", ""
}

// looksNumeric catches mistyped addresses: no top-level domain is a number (RFC 3696).
func looksNumeric(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	_, err := strconv.Atoi(last)
	return err == nil
}

// addressFault tells why text is not the address of one machine on a network.
func addressFault(text string) (wrong, right string) {
	const right4 = "write the address of a machine, such as 192.168.1.11"
	ip, err := netip.ParseAddr(text)
	switch {
	case err != nil:
		return "is not an address", right4
	case ip.Is4In6():
		return "is an IPv4 address in IPv6 clothes", "write " + ip.Unmap().String()
	case ip.Zone() != "" || ip.IsLinkLocalUnicast():
		return "is valid on one link only", right4
	case ip.IsUnspecified():
		return "stands for every address", right4
	case ip.IsLoopback():
		return "is a different machine on every machine", right4
	case ip.IsMulticast() || ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return "is not the address of one machine", right4
	}
	return "", ""
}

func isPort(text string) bool {
	port, err := strconv.Atoi(text)
	return err == nil && port >= 1 && port <= 65535
}

func (k checker) host(path, value string) {
	if wrong, right := hostFault(value); wrong != "" {
		k.add(path, value, wrong, right)
	}
}

func (k checker) address(path, value string) {
	if wrong, right := addressFault(value); wrong != "" {
		k.add(path, value, wrong, right)
	}
}

func (k checker) port(path string, port int) {
	if port < 0 || port > 65535 {
		k.add(path, strconv.Itoa(port), "is not a port", "write a number from 1 to 65535")
	}
}
