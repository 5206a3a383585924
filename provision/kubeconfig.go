package provision

import (
	clientcmd "k8s.io/client-go/tools/clientcmd/api"

	"github.com/kbm-dev/kbm/cluster"
	"github.com/kbm-dev/kbm/pki"
)

// Kubeconfig gives a person access to the cluster as its administrator, through
// the endpoint. Cluster, user and context are named after the cluster, so that
// several clusters fit in one file.
func Kubeconfig(c *cluster.Cluster, set *pki.Set) *clientcmd.Config {
	config := clientcmd.NewConfig()
	admin := set.Get(pki.Admin)
	user := c.Name + "-admin"
	config.Clusters[c.Name] = &clientcmd.Cluster{
		Server:                   c.EndpointURL(),
		CertificateAuthorityData: set.Get(pki.CA).Cert,
	}
	config.AuthInfos[user] = &clientcmd.AuthInfo{
		ClientCertificateData: admin.Cert,
		ClientKeyData:         admin.Key,
	}
	config.Contexts[c.Name] = &clientcmd.Context{Cluster: c.Name, AuthInfo: user}
	config.CurrentContext = c.Name
	return config
}
