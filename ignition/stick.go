package ignition

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/templates"
)

// StickNode is one of the machines that a stick is for.
type StickNode struct {
	Machine Machine
	OS      cluster.OS
	// Keys tell it from the others: MAC addresses, and serial: with a number.
	Keys []string
}

// serialKey stands in front of a serial number among the keys of a machine.
const serialKey = "serial:"

// StickKeys are what a stick can know a node by.
func StickKeys(n *cluster.Node) []string {
	var keys []string
	for _, card := range append([]string{n.MAC}, n.Bond.Interfaces...) {
		// As the kernel spells it.
		if mac, err := net.ParseMAC(card); err == nil {
			keys = append(keys, mac.String())
		}
	}
	if serial := strings.Join(strings.Fields(n.Serial), ""); serial != "" {
		keys = append(keys, serialKey+serial)
	}
	return keys
}

// Stick makes one ISO for many machines. Its payload is a script that knows the
// machine that runs it, and hands that machine's configuration to the reader:
// neither cloud-init nor coreos-cloudinit can choose by itself.
func (r *Renderer) Stick(c *cluster.Cluster, t Target, nodes []StickNode, stage Stage) ([]byte, error) {
	if !t.Stick {
		return nil, fmt.Errorf("target %s: %s cannot choose among configurations", t.Name, t.Reader)
	}
	type line struct{ Name, Keys, Config string }
	var lines []line
	for _, n := range nodes {
		if len(n.Keys) == 0 {
			return nil, fmt.Errorf("node %s: a stick knows a machine by mac or serial, and it has neither; write one of them", n.Machine.Name)
		}
		if wrong, right := t.refusal(n.OS); wrong != "" {
			return nil, fmt.Errorf("target %s for %s: it %s; %s", t.Name, n.Machine.Name, wrong, right)
		}
		config, err := t.config(n.Machine, Options{OS: n.OS, Stage: stage})
		if err != nil {
			return nil, err
		}
		packed, err := zip(config)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{n.Machine.Name, strings.Join(n.Keys, ","), base64.StdEncoding.EncodeToString(packed)})
	}
	script, err := templates.Render("media/stick", map[string]any{
		"Cluster": c.Name, "Nodes": lines, "Legacy": t.Format == cluster.CoreOSCloudConfig,
	})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{t.Paths[0]: script}
	if t.Format == cluster.CloudConfig {
		if err := stickSeed(c, nodes, files); err != nil {
			return nil, err
		}
	}
	return r.iso.write(t.Label, files)
}

// stickSeed is what NoCloud reads beside the script. It sets up the network
// before any script runs, so what it knows the machines by are MAC addresses.
func stickSeed(c *cluster.Cluster, nodes []StickNode, files map[string][]byte) error {
	meta, err := toYAML("", struct {
		InstanceID string `yaml:"instance-id"`
	}{machineID("stick." + c.Name)})
	if err != nil {
		return err
	}
	files["meta-data"] = meta
	all := cloudNetwork{Version: 2, Ethernets: map[string]cloudDevice{}}
	fixed := false
	var byNumber []string
	for _, n := range nodes {
		network := n.Machine.Network
		device := cloudDevice{DHCP4: new(true)}
		switch mac := n.Keys[0]; {
		case network != nil && (len(network.Bond) > 0 || network.VLAN != 0):
			return fmt.Errorf("node %s: a stick for cloud-init carries neither bonds nor VLANs; render a medium for it alone (kbm render %s)", n.Machine.Name, n.Machine.Name)
		case network != nil && network.MAC == "":
			return fmt.Errorf("node %s: its address is set up before its serial number is looked at; write mac in the place of interface", n.Machine.Name)
		case network != nil:
			if err := network.check(); err != nil {
				return err
			}
			device, fixed = network.cloudAddress(), true
			device.Match = map[string]string{"macaddress": network.MAC}
		case strings.HasPrefix(mac, serialKey):
			byNumber = append(byNumber, n.Machine.Name)
			continue
		default:
			device.Match = map[string]string{"macaddress": mac}
		}
		all.Ethernets[n.Machine.Name] = device
	}
	if !fixed {
		return nil // cloud-init asks DHCP
	}
	if len(byNumber) > 0 {
		return fmt.Errorf("node %s: beside machines with an address of their own, one with DHCP needs its mac too", strings.Join(byNumber, ", "))
	}
	files["network-config"], err = toYAML("", all)
	return err
}

func zip(content []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression) // no name and no date: the same each time
	if err != nil {
		return nil, err
	}
	_, err = w.Write(content)
	err = errors.Join(err, w.Close())
	return b.Bytes(), err
}
