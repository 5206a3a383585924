package ignition

import "encoding/base64"

// guestinfo is the encoding that VMware's tools and Ignition call gzip+base64,
// on one line.
func guestinfo(config []byte) ([]byte, error) {
	packed, err := zip(config)
	return base64.StdEncoding.AppendEncode(nil, packed), err
}
