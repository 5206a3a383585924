package ignition

import (
	"encoding/json"
	"fmt"
	"net/netip"

	"github.com/google/uuid"
)

// configDrive is what cloud-init's ConfigDrive wants beside the payload: it
// takes no drive without a uuid.
func configDrive(m Machine) (map[string][]byte, error) {
	meta, err := json.MarshalIndent(struct {
		UUID     string `json:"uuid"`
		Hostname string `json:"hostname"`
		Name     string `json:"name"`
	}{machineID(m.Name), m.Hostname, m.Name}, "", "  ")
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"openstack/latest/meta_data.json": append(meta, '\n')}, nil
}

// machineID tells cloud-init whether it has seen this machine: the same node
// keeps its identity when its medium is rendered again.
func machineID(name string) string {
	return uuid.NewSHA1(uuid.NameSpaceDNS, []byte(name+".kbm.invalid")).String()
}

// noCloudPlain is the meta-data without which nothing takes a NoCloud seed.
func noCloudPlain(m Machine) (map[string][]byte, error) {
	meta, err := toYAML("", struct {
		InstanceID string `yaml:"instance-id"`
		Hostname   string `yaml:"local-hostname"`
	}{machineID(m.Name), m.Hostname})
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"meta-data": meta}, nil
}

// noCloud is what cloud-init's NoCloud wants beside the payload.
func noCloud(m Machine) (map[string][]byte, error) {
	files, err := noCloudPlain(m)
	if err != nil || m.Network == nil {
		return files, err // without a network, cloud-init asks DHCP
	}
	if files["network-config"], err = m.Network.cloud(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return files, nil
}

type cloudNetwork struct {
	Version   int                      `yaml:"version"`
	Ethernets map[string]cloudEthernet `yaml:"ethernets"`
}

type cloudEthernet struct {
	Match       map[string]string `yaml:"match,omitempty"`
	Addresses   []string          `yaml:"addresses"`
	Routes      []cloudRoute      `yaml:"routes,omitempty"`
	Nameservers *cloudNameservers `yaml:"nameservers,omitempty"`
}

type cloudRoute struct {
	To  string `yaml:"to"`
	Via string `yaml:"via"`
}

type cloudNameservers struct {
	Addresses []string `yaml:"addresses"`
}

// cloud gives the network in cloud-init's version 2.
// https://docs.cloud-init.io/en/latest/reference/network-config-format-v2.html
func (n Network) cloud() ([]byte, error) {
	if _, err := netip.ParsePrefix(n.Address); err != nil {
		return nil, fmt.Errorf("address %q: an IP address and its prefix length, such as 192.168.1.11/24", n.Address)
	}
	e := cloudEthernet{Addresses: []string{n.Address}}
	name := n.Interface
	switch {
	case n.MAC != "":
		name, e.Match = "lan", map[string]string{"macaddress": n.MAC}
	case name == "":
		name, e.Match = "lan", map[string]string{"name": "e*"}
	}
	if n.Gateway != "" {
		gateway, err := netip.ParseAddr(n.Gateway)
		if err != nil {
			return nil, fmt.Errorf("gateway %q: an IP address", n.Gateway)
		}
		// Not "default", which older releases do not know.
		to := "0.0.0.0/0"
		if gateway.Is6() {
			to = "::/0"
		}
		e.Routes = []cloudRoute{{To: to, Via: n.Gateway}}
	}
	if len(n.DNS) > 0 {
		e.Nameservers = &cloudNameservers{Addresses: n.DNS}
	}
	return toYAML("", cloudNetwork{Version: 2, Ethernets: map[string]cloudEthernet{name: e}})
}
