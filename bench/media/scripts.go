package media

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/kbm-dev/kbm/bench/internal/program"
)

// san is the request's configuration, with the node's address as a further name.
const san = `[req]
distinguished_name = name
req_extensions = v3_req
[name]
[v3_req]
basicConstraints = CA:FALSE
keyUsage = nonRepudiation, digitalSignature, keyEncipherment
subjectAltName = IP:%s
`

// measureScripts makes n nodes as the scripts of 2017 did: an RSA-2048 key, a
// request, a certificate of the cluster's CA, a cloud-config that holds them,
// and an image with the label config-2. The CA is not counted.
func measureScripts(ctx context.Context, dir string, n int) (result, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return result{}, err
	}
	for _, args := range [][]string{
		{"genrsa", "-out", "ca-key.pem", "2048"},
		{"req", "-x509", "-new", "-nodes", "-key", "ca-key.pem", "-days", "10000", "-out", "ca.pem", "-subj", "/CN=kube-ca"},
	} {
		if _, err := program.In(ctx, dir, "openssl", args...); err != nil {
			return result{}, err
		}
	}
	r := result{nodes: n}
	start := time.Now()
	for i := range n {
		if err := scriptNode(ctx, dir, i); err != nil {
			return result{}, err
		}
	}
	r.wall = time.Since(start)
	return r, nil
}

func scriptNode(ctx context.Context, dir string, i int) error {
	address := fmt.Sprintf("10.10.10.%d", i%250+1)
	home := filepath.Join(dir, fmt.Sprintf("node-%d", i))
	drive := filepath.Join(home, "cloud-config", "openstack", "latest")
	if err := os.MkdirAll(drive, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(home, "openssl.cnf"), fmt.Appendf(nil, san, address), 0o644); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"genrsa", "-out", "worker-key.pem", "2048"},
		{"req", "-new", "-key", "worker-key.pem", "-out", "worker.csr", "-subj", "/CN=" + address, "-config", "openssl.cnf"},
		{
			"x509", "-req", "-in", "worker.csr", "-CA", "../ca.pem", "-CAkey", "../ca-key.pem", "-CAcreateserial",
			"-out", "worker.pem", "-days", "365", "-extensions", "v3_req", "-extfile", "openssl.cnf",
		},
	} {
		if _, err := program.In(ctx, home, "openssl", args...); err != nil {
			return err
		}
	}
	if err := cloudConfig(home, drive); err != nil {
		return err
	}
	_, err := program.In(ctx, home, "genisoimage", "-quiet", "-R", "-V", "config-2", "-o", "config.iso", "cloud-config")
	return err
}

func cloudConfig(home, drive string) error {
	text := "#cloud-config\nwrite_files:\n"
	for _, name := range []string{"../ca.pem", "worker.pem", "worker-key.pem"} {
		content, err := os.ReadFile(filepath.Join(home, name))
		if err != nil {
			return err
		}
		text += fmt.Sprintf("  - path: /etc/kubernetes/ssl/%s\n    encoding: b64\n    content: %s\n",
			filepath.Base(name), base64.StdEncoding.EncodeToString(content))
	}
	return os.WriteFile(filepath.Join(drive, "user_data"), []byte(text), 0o600)
}
