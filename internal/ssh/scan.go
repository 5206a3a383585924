package ssh

import (
	"context"
	"errors"
	"net"
	"strings"

	"golang.org/x/crypto/ssh"
)

// ScannedKey is a host key that a machine has shown. Nothing vouches for it: a
// person has to compare the fingerprint with the machine's own console.
type ScannedKey struct {
	Type        string // ssh-ed25519, …
	Fingerprint string // SHA256:…
	Line        string // as in authorized_keys
}

// errScanned ends the handshake once the key is known.
var errScanned = errors.New("host key seen")

// ScanHostKey asks the machine at o.Address for its host key and hangs up
// before anything is sent to it. It asks for the kinds in the order in which
// Connect tries them for a fingerprint.
func ScanHostKey(ctx context.Context, o Options) (ScannedKey, error) {
	o = o.withDefaults()
	ctx, cancel := context.WithTimeout(ctx, o.ConnectTimeout)
	defer cancel()
	var err error
	for _, algorithms := range keyAlgorithms() {
		var key ScannedKey
		if key, err = o.scan(ctx, algorithms); err == nil {
			return key, nil
		}
		if classify(err) != HostKey {
			break
		}
	}
	return ScannedKey{}, o.fail(classify(err), err)
}

func (o Options) scan(ctx context.Context, algorithms []string) (ScannedKey, error) {
	transport, err := o.Dial(ctx, "tcp", o.Address)
	if err != nil {
		return ScannedKey{}, err
	}
	defer func() { _ = transport.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = transport.Close() })
	defer stop()
	var seen ScannedKey
	keep := func(_ string, _ net.Addr, key ssh.PublicKey) error {
		seen = ScannedKey{
			Type: key.Type(), Fingerprint: ssh.FingerprintSHA256(key),
			Line: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))),
		}
		return errScanned
	}
	_, _, _, err = ssh.NewClientConn(transport, o.Address, o.clientConfig(nil, keep, algorithms))
	if seen.Fingerprint != "" {
		return seen, nil
	}
	return ScannedKey{}, errors.Join(ctx.Err(), err)
}
