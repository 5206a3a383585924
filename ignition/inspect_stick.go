package ignition

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
)

// How a stick's script begins, and its lines, one a machine.
var (
	stickHead = regexp.MustCompile(`^(#cloud-boothook\n)?#!/bin/sh\n# kbm: one stick `)
	stickLine = regexp.MustCompile(`(?m)^(\S+) (\S+) ([A-Za-z0-9+/=]{64,})$`)
)

func (f *Found) readStick(script []byte) error {
	for _, line := range stickLine.FindAllSubmatch(script, -1) {
		name := string(line[1])
		packed, err := base64.StdEncoding.DecodeString(string(line[3]))
		if err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
		config, err := unzip(packed)
		if err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
		m, err := f.readCloud(config)
		if err != nil {
			return fmt.Errorf("node %s: %w", name, err)
		}
		found := foundMachine(m)
		found.Keys = strings.Split(string(line[2]), ",")
		f.Machines = append(f.Machines, found)
	}
	f.Format, f.anyDialect = cluster.CoreOSCloudConfig, false
	if bytes.HasPrefix(script, []byte("#cloud-boothook")) {
		f.Format = cluster.CloudConfig
	}
	return nil
}
