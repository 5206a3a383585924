package external

import (
	"bytes"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Zone makes a whole zone of records. The zero value makes records alone, for
// $INCLUDE in a zone that is there.
type Zone struct {
	// Origin is the zone's name.
	Origin string
	// Server is the name of the server that answers for it, and Addresses where
	// that is. The addresses are needed where the name is inside the zone.
	Server    string
	Addresses []string
	// Serial has to grow with every change, or other servers keep what they have.
	Serial uint32
}

// Zone prints DNS records in the form of RFC 1035, and returns the names that
// are not in the zone.
func (l List) Zone(z Zone) (text []byte, outside []Name, err error) {
	inside := []Name{}
	for _, n := range l.Names {
		if z.holds(n.Base()) {
			inside = append(inside, n)
		} else {
			outside = append(outside, n)
		}
	}
	l.Names = inside
	if err := z.check(l); err != nil {
		return nil, nil, err
	}
	text, err = render("zone", struct {
		List
		Zone Zone
	}{l, z})
	return text, outside, err
}

func (z Zone) holds(name string) bool {
	return z.Origin == "" || name == z.Origin || strings.HasSuffix(name, "."+z.Origin)
}

func (z Zone) check(l List) error {
	if z.Origin == "" {
		return nil
	}
	for _, name := range []string{z.Origin, z.Server} {
		if len(validation.IsDNS1123Subdomain(name)) > 0 {
			return fmt.Errorf("%q is not a DNS name", name)
		}
	}
	for _, address := range z.Addresses {
		if _, err := netip.ParseAddr(address); err != nil {
			return fmt.Errorf("%q is not an address of the name server %s", address, z.Server)
		}
	}
	if len(z.Addresses) > 0 || !z.holds(z.Server) {
		return nil
	}
	for _, n := range l.Names {
		if n.Name == z.Server {
			return nil
		}
	}
	return fmt.Errorf("the name server %s is in the zone %s itself, so its address is needed too", z.Server, z.Origin)
}

// IsIPv6 chooses between A and AAAA.
func (z Zone) IsIPv6(address string) bool { return strings.Contains(address, ":") }

// serialLine is where the template writes the serial.
var serialLine = regexp.MustCompile(`(?m)^\s+(\d+) ; serial$`)

// NextSerial is the serial of a zone that replaces the text of an older one:
// the same where nothing else differs, so that the same names give the same
// file, and otherwise the time in seconds, or one more where that is not more.
func (l List) NextSerial(z Zone, old []byte, now time.Time) (uint32, error) {
	next := uint32(now.Unix())
	match := serialLine.FindSubmatch(old)
	if match == nil {
		return next, nil
	}
	last, err := strconv.ParseUint(string(match[1]), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("serial %s: %w", match[1], err)
	}
	z.Serial = uint32(last)
	same, _, err := l.Zone(z)
	switch {
	case err != nil:
		return 0, err
	case bytes.Equal(same, old):
		return z.Serial, nil
	}
	return max(next, z.Serial+1), nil
}
