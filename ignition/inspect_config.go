package ignition

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/coreos/ignition/v2/config/v3_4/types"
	"github.com/vincent-petithory/dataurl"
	"go.yaml.in/yaml/v3"

	"github.com/kbm-dev/kbm/cluster"
)

// read takes a configuration apart, in whatever format it is.
func (f *Found) read(config []byte) error {
	var m Machine
	var err error
	switch trimmed := bytes.TrimSpace(config); {
	case bytes.HasPrefix(trimmed, []byte("{")):
		f.Format = cluster.Ignition
		m, err = readIgnition(trimmed)
	case bytes.HasPrefix(config, []byte("#cloud-config")):
		m, err = f.readCloud(config)
	case stickHead.Match(config):
		return f.readStick(config)
	default:
		return errors.New("it is neither Ignition's JSON nor a #cloud-config")
	}
	if err != nil {
		return err
	}
	f.Machines = append(f.Machines, foundMachine(m))
	return nil
}

func readIgnition(config []byte) (Machine, error) {
	var c types.Config
	if err := json.Unmarshal(config, &c); err != nil {
		return Machine{}, fmt.Errorf("it is no Ignition configuration: %w", err)
	}
	if !strings.HasPrefix(c.Ignition.Version, "3.") {
		return Machine{}, fmt.Errorf("it is of Ignition's version %q; kbm reads 3", c.Ignition.Version)
	}
	m := Machine{}
	for _, u := range c.Passwd.Users {
		m.Users = append(m.Users, User{Name: u.Name})
	}
	for _, file := range c.Storage.Files {
		content, err := ignitionContent(file.Contents)
		if err != nil {
			return Machine{}, fmt.Errorf("file %s: %w", file.Path, err)
		}
		m.Files = append(m.Files, File{Path: file.Path, Content: content})
	}
	return m, nil
}

// ignitionContent is what a file holds; nothing where it comes from elsewhere.
func ignitionContent(r types.Resource) ([]byte, error) {
	if r.Source == nil || !strings.HasPrefix(*r.Source, "data:") {
		return nil, nil
	}
	u, err := dataurl.DecodeString(*r.Source)
	if err != nil {
		return nil, err
	}
	if r.Compression != nil && *r.Compression == "gzip" {
		return unzip(u.Data)
	}
	return u.Data, nil
}

// foundCloud holds the words of both dialects that say what a machine gets.
type foundCloud struct {
	Hostname   string            `yaml:"hostname"`
	SSHKeys    map[string]string `yaml:"ssh_keys"`
	WriteFiles []cloudFile       `yaml:"write_files"`
	CoreOS     *struct {
		Units []coreosUnit `yaml:"units"`
	} `yaml:"coreos"`
	Rest map[string]any `yaml:",inline"`
}

func (f *Found) readCloud(config []byte) (Machine, error) {
	var c foundCloud
	if err := yaml.Unmarshal(config, &c); err != nil {
		return Machine{}, fmt.Errorf("it is no cloud-config: %w", err)
	}
	// coreos-cloudinit ignores a word that it does not know, cloud-init says so:
	// what both know, both read.
	f.Format = cluster.CloudConfig
	if c.CoreOS != nil {
		f.Format = cluster.CoreOSCloudConfig
	}
	f.anyDialect = c.CoreOS == nil && len(c.SSHKeys) == 0
	for word := range c.Rest {
		f.anyDialect = f.anyDialect && slices.Contains([]string{"ssh_authorized_keys", "users", "manage_etc_hosts"}, word)
	}
	m := Machine{Hostname: c.Hostname}
	for part, content := range c.SSHKeys {
		kind, what, _ := strings.Cut(part, "_")
		suffix := map[string]string{"private": "", "public": ".pub", "certificate": "-cert.pub"}[what]
		m.Files = append(m.Files, File{Path: "/etc/ssh/ssh_host_" + kind + "_key" + suffix, Content: []byte(content)})
	}
	for _, w := range c.WriteFiles {
		content, err := cloudContent(w)
		if err != nil {
			return Machine{}, fmt.Errorf("file %s: %w", w.Path, err)
		}
		m.Files = append(m.Files, File{Path: w.Path, Content: content})
	}
	return m, nil
}

func cloudContent(f cloudFile) ([]byte, error) {
	switch f.Encoding {
	case "":
		return []byte(f.Content), nil
	case "b64", "base64":
		return base64.StdEncoding.DecodeString(f.Content)
	case "gz+b64", "gzip+b64", "gz+base64", "gzip+base64":
		packed, err := base64.StdEncoding.DecodeString(f.Content)
		if err != nil {
			return nil, err
		}
		return unzip(packed)
	}
	return nil, fmt.Errorf("encoding %q is not one that kbm reads", f.Encoding)
}

func unzip(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, plainMax))
}
