package ignition

import (
	"encoding/json"
	"fmt"

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

// cloudConfigDrive is a config drive with a network, which cloud-init sets up
// before anything else. (Ignition looks at none of it.)
func cloudConfigDrive(m Machine) (map[string][]byte, error) {
	files, err := configDrive(m)
	if err != nil || m.Network == nil {
		return files, err
	}
	if files["openstack/latest/network_data.json"], err = m.Network.openstack(); err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return files, nil
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
