package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// Config is a person's ~/.ssh/config, of which the basics are followed:
// HostName, User, Port, IdentityFile and ProxyJump.
type Config struct {
	home   string
	parsed *ssh_config.Config
}

// Target is what a Config says of a host. Empty fields are not set in it.
type Target struct {
	HostName, User, Port string
	IdentityFiles        []string
	// Jumps are the hosts to go through, in order: [USER@]HOST[:PORT].
	Jumps []string
}

// ReadConfig reads .ssh/config below the home folder. A file that is not there
// is an empty one.
func ReadConfig(home string) (*Config, error) {
	c := &Config{home: home, parsed: &ssh_config.Config{}}
	file, err := os.Open(filepath.Join(home, ".ssh", "config"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if c.parsed, err = ssh_config.Decode(file); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return c, nil
}

// Resolve looks a host up by the name or address that the spec gives it.
func (c *Config) Resolve(host string) (Target, error) {
	var t Target
	for _, row := range []struct {
		key  string
		into *string
	}{{"HostName", &t.HostName}, {"User", &t.User}, {"Port", &t.Port}} {
		value, err := c.parsed.Get(host, row.key)
		if err != nil {
			return t, fmt.Errorf("ssh configuration of %s: %s: %w", host, row.key, err)
		}
		*row.into = strings.ReplaceAll(value, "%h", host)
	}
	files, err := c.parsed.GetAll(host, "IdentityFile")
	if err != nil {
		return t, fmt.Errorf("ssh configuration of %s: IdentityFile: %w", host, err)
	}
	for _, file := range files {
		t.IdentityFiles = append(t.IdentityFiles, c.expand(file))
	}
	jumps, err := c.parsed.Get(host, "ProxyJump")
	if err != nil {
		return t, fmt.Errorf("ssh configuration of %s: ProxyJump: %w", host, err)
	}
	if jumps != "" && jumps != "none" {
		t.Jumps = strings.Split(jumps, ",")
	}
	return t, nil
}

func (c *Config) expand(file string) string {
	file = strings.ReplaceAll(file, "%d", c.home)
	if rest, ok := strings.CutPrefix(file, "~/"); ok {
		return filepath.Join(c.home, rest)
	}
	return file
}

const defaultPort = "22"

// ParseJump splits [USER@]HOST[:PORT]; the port is 22 unless given.
func ParseJump(s string) (user, host, port string, err error) {
	at := strings.LastIndex(s, "@")
	user, host, port = s[:max(at, 0)], s[at+1:], defaultPort
	if h, p, e := net.SplitHostPort(host); e == nil {
		host, port = h, p
	}
	host = strings.Trim(host, "[]")
	if host == "" {
		return "", "", "", fmt.Errorf("jump host %q has no host: write [USER@]HOST[:PORT]", s)
	}
	return user, host, port, nil
}
