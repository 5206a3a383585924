package cluster

// Addons are what kbm installs beside the core of the cluster. Each is off until
// its section is there, even an empty one: `metrics: {}`. kbm addons explain
// NAME tells all that a section may hold.
type Addons struct {
	// Ingress lets HTTP and HTTPS in: Traefik, one instance a class. It reads
	// Ingress objects with the annotations of ingress-nginx.
	Ingress *Ingress `json:"ingress,omitempty" addon:"ingress" eg:"{classes: [{name: external, expose: hostNetwork}]}"`
	// LoadBalancer gives addresses of the LAN to Services: MetalLB.
	LoadBalancer *LoadBalancer `json:"loadBalancer,omitempty" addon:"load-balancer" eg:"{pools: [{name: lan, addresses: [192.168.1.240-192.168.1.250]}]}"`
	// DNS keeps records for the names of Ingress objects and Services: external-dns.
	DNS *DNS `json:"dns,omitempty" addon:"dns" eg:"{provider: cloudflare, domains: [example.com], cloudflare: {apiToken: {env: CF_API_TOKEN}}}"`
	// Certs issues certificates and renews them: cert-manager.
	Certs *Certs `json:"certs,omitempty" addon:"certs" eg:"{email: me@example.com}"`
	// Auth puts a sign-in in front of apps: oauth2-proxy.
	Auth *Auth `json:"auth,omitempty" addon:"auth" eg:"{issuerURL: https://accounts.example.com, clientID: kbm, clientSecret: {env: OIDC_SECRET}, hosts: [auth.example.com], emailDomains: [example.com]}"`
	// Metrics is what kubectl top and the autoscalers ask: metrics-server.
	Metrics *Metrics `json:"metrics,omitempty" addon:"metrics-server" eg:"{}"`
	// Extra is the user's own: manifests and Secrets made from local files.
	Extra *Extra `json:"extra,omitempty" addon:"extra" eg:"{manifests: [manifests]}"`
}

// Secret is a value that the folder never holds in clear. Set env or file.
type Secret struct {
	// Env is the environment variable that holds it when kbm runs.
	Env string `json:"env,omitempty" eg:"CF_API_TOKEN"`
	// File is an age-encrypted file that holds it, relative to the cluster's folder.
	File string `json:"file,omitempty" eg:"secrets/cloudflare.age"`
}

// Ingress lets HTTP and HTTPS in.
type Ingress struct {
	// Classes of Ingress objects. Each has a Traefik of its own, which serves no
	// other class.
	Classes []IngressClass `json:"classes" eg:"[{name: external, expose: hostNetwork}]"`
	// GatewayAPI installs the Gateway API and makes a GatewayClass of each class.
	GatewayAPI bool `json:"gatewayAPI,omitempty"`
}

// IngressClass is one way in.
type IngressClass struct {
	// Name of the class: what Ingress objects say in ingressClassName.
	Name string `json:"name" eg:"external"`
	// Default takes the Ingress objects that name no class.
	Default bool `json:"default,omitempty"`
	// Expose says where it listens: hostNetwork on ports 80 and 443 of nodes,
	// loadBalancer at an address of the load balancer, nodePort on two high
	// ports of every node.
	Expose string `json:"expose,omitempty"`
	// Roles of the nodes that it runs on with hostNetwork.
	Roles []Role `json:"roles,omitempty" eg:"[edge]"`
	// Pool of the load balancer that its address is taken from.
	Pool string `json:"pool,omitempty" eg:"lan"`
	// Address that it has, which is in one of the load balancer's pools.
	Address string `json:"address,omitempty" eg:"192.168.1.240"`
	// HTTPNodePort is its port for HTTP with nodePort.
	HTTPNodePort int `json:"httpNodePort,omitempty" eg:"30080"`
	// HTTPSNodePort is its port for HTTPS with nodePort.
	HTTPSNodePort int `json:"httpsNodePort,omitempty" eg:"30443"`
	// Publish are the addresses that its Ingress objects show and DNS records
	// lead to, where those are not its own: a router's or a proxy's outside.
	Publish []string `json:"publish,omitempty" eg:"[203.0.113.7]"`
	// TrustedProxies are the networks of proxies that tell the client's address
	// by the PROXY protocol or in X-Forwarded-For.
	TrustedProxies []string `json:"trustedProxies,omitempty" eg:"[192.168.1.5/32]"`
	// DefaultBackend is the Service, as namespace/name, that answers what no
	// rule matches. Unless set, the answer is 404.
	DefaultBackend string `json:"defaultBackend,omitempty" eg:"web/not-found"`
	// Replicas is how many pods it has; with hostNetwork it is one a node.
	Replicas int `json:"replicas,omitempty" eg:"2"`
	// Metrics lets Prometheus ask for metrics at the address of the node with
	// hostNetwork. Unless set, they are at 127.0.0.1 only there.
	Metrics bool `json:"metrics,omitempty"`
	// Hosts are names that it serves, for kbm external where no cluster is asked.
	Hosts []string `json:"hosts,omitempty" eg:"[app.example.com]"`
}

// LoadBalancer gives addresses of the LAN to Services.
type LoadBalancer struct {
	// Pools of free addresses.
	Pools []Pool `json:"pools" eg:"[{name: lan, addresses: [192.168.1.240-192.168.1.250]}]"`
	// Peers are the routers that pools with the protocol bgp are told to.
	Peers []BGPPeer `json:"peers,omitempty" eg:"[{address: 192.168.1.1, asn: 64512, myASN: 64513}]"`
}

// Pool is a named set of addresses.
type Pool struct {
	// Name of the pool.
	Name string `json:"name" eg:"lan"`
	// Addresses are ranges such as 192.168.1.240-192.168.1.250 or 192.168.1.240/28.
	Addresses []string `json:"addresses" eg:"[192.168.1.240-192.168.1.250]"`
	// Protocol is layer2 (ARP and NDP in the LAN) or bgp.
	Protocol string `json:"protocol,omitempty"`
	// AutoAssign gives its addresses to Services that ask for no pool. Unless
	// set, it does.
	AutoAssign *bool `json:"autoAssign,omitempty" eg:"true"`
	// Interfaces that its addresses are announced on. Unless set, all.
	Interfaces []string `json:"interfaces,omitempty" eg:"[eno1]"`
}

// BGPPeer is a router.
type BGPPeer struct {
	// Address of the router.
	Address string `json:"address" eg:"192.168.1.1"`
	// Port of the router's BGP.
	Port int `json:"port,omitempty" eg:"179"`
	// ASN is the router's autonomous system.
	ASN int `json:"asn" eg:"64512"`
	// MyASN is the cluster's autonomous system.
	MyASN int `json:"myASN" eg:"64513"`
	// Password of the session (RFC 2385).
	Password *Secret `json:"password,omitempty" eg:"{env: BGP_PASSWORD}"`
}

// DNS keeps records for names.
type DNS struct {
	// Provider is cloudflare, route53, rfc2136 or webhook.
	Provider string `json:"provider" eg:"cloudflare"`
	// Domains that records are kept in; no other is touched.
	Domains []string `json:"domains" eg:"[example.com]"`
	// Owner marks the records of this cluster. Unless set, the cluster's name.
	Owner string `json:"owner,omitempty" eg:"home"`
	// Policy is sync, which deletes records that nothing asks for any more, or
	// upsert-only.
	Policy string `json:"policy,omitempty"`
	// Interval between two looks at everything, such as 1m. Changes of Ingress
	// objects and Services are acted on at once.
	Interval string `json:"interval,omitempty"`
	// Cloudflare is for the provider of that name.
	Cloudflare *Cloudflare `json:"cloudflare,omitempty" eg:"{apiToken: {env: CF_API_TOKEN}}"`
	// Route53 is for the provider of that name.
	Route53 *Route53 `json:"route53,omitempty" eg:"{accessKeyID: AKIA…, secretAccessKey: {env: AWS_SECRET_ACCESS_KEY}}"`
	// RFC2136 is for the provider of that name: BIND, Knot, PowerDNS, …
	RFC2136 *RFC2136 `json:"rfc2136,omitempty" eg:"{server: 192.168.1.53, zones: [home.example.com], keyName: kbm, key: {env: TSIG_KEY}}"`
	// Webhook is for the provider of that name: a container beside external-dns
	// that knows one DNS company, such as Hetzner's.
	Webhook *DNSWebhook `json:"webhook,omitempty" eg:"{image: example.com/hetzner-webhook:v1, secretEnv: {HETZNER_TOKEN: {env: HETZNER_TOKEN}}}"`
}

// Cloudflare is an account there.
type Cloudflare struct {
	// APIToken with the right to edit the zones.
	APIToken Secret `json:"apiToken" eg:"{env: CF_API_TOKEN}"`
	// Proxied sends the traffic through Cloudflare.
	Proxied bool `json:"proxied,omitempty"`
}

// Route53 is an account of AWS.
type Route53 struct {
	// AccessKeyID of a user who may change the zones.
	AccessKeyID string `json:"accessKeyID" eg:"AKIAIOSFODNN7EXAMPLE"`
	// SecretAccessKey of that user.
	SecretAccessKey Secret `json:"secretAccessKey" eg:"{env: AWS_SECRET_ACCESS_KEY}"`
	// Region of AWS.
	Region string `json:"region,omitempty"`
	// ZoneType is public or private; unless set, both.
	ZoneType string `json:"zoneType,omitempty" eg:"public"`
}

// RFC2136 is a name server that takes signed updates.
type RFC2136 struct {
	// Server is its address, with a port where that is not 53.
	Server string `json:"server" eg:"192.168.1.53"`
	// Zones that it is the primary of. Unless set, the domains.
	Zones []string `json:"zones,omitempty" eg:"[home.example.com]"`
	// KeyName is the name of the TSIG key.
	KeyName string `json:"keyName" eg:"kbm"`
	// Algorithm of the TSIG key.
	Algorithm string `json:"algorithm,omitempty"`
	// Key is the TSIG key in base64.
	Key Secret `json:"key" eg:"{env: TSIG_KEY}"`
}

// DNSWebhook is a container that speaks external-dns's webhook protocol.
type DNSWebhook struct {
	// Image of the container.
	Image string `json:"image" eg:"example.com/hetzner-webhook:v1"`
	// Args of the container.
	Args []string `json:"args,omitempty" eg:"[--log-level=info]"`
	// Env are its environment variables.
	Env map[string]string `json:"env,omitempty" eg:"{HETZNER_DEFAULT_TTL: \"300\"}"`
	// SecretEnv are those that are secret.
	SecretEnv map[string]Secret `json:"secretEnv,omitempty" eg:"{HETZNER_TOKEN: {env: HETZNER_TOKEN}}"`
}

// Certs issues certificates.
type Certs struct {
	// Email that the ACME server may write to; with it, and without issuers,
	// there are letsencrypt-staging and letsencrypt-production.
	Email string `json:"email,omitempty" eg:"me@example.com"`
	// Issuers by name. Unless set: Let's Encrypt's two where there is an email,
	// and private-ca.
	Issuers []Issuer `json:"issuers,omitempty" eg:"[{name: letsencrypt-production, server: production, class: external}, {name: private-ca, privateCA: true}]"`
	// Resolvers that cert-manager asks whether a DNS-01 record is out, as
	// address:port. Unless set, the cluster's.
	Resolvers []string `json:"resolvers,omitempty" eg:"[\"1.1.1.1:53\"]"`

	standard bool // the issuers are kbm's choice, not the user's
}

// Issuer is a ClusterIssuer: what cert-manager.io/cluster-issuer names.
type Issuer struct {
	// Name of the issuer.
	Name string `json:"name" eg:"letsencrypt-production"`
	// Server is staging or production of Let's Encrypt, or the URL of another
	// ACME server's directory.
	Server string `json:"server,omitempty" eg:"production"`
	// CAFile holds the certificates (PEM) that the server is verified with.
	// Unless set, the public ones.
	CAFile string `json:"caFile,omitempty" local:"file" eg:"acme-ca.pem"`
	// Email that the server may write to. Unless set, that of certs.
	Email string `json:"email,omitempty" eg:"me@example.com"`
	// Class of the ingress that answers HTTP-01.
	Class string `json:"class,omitempty" eg:"external"`
	// DNS01 are the zones whose names are proven by DNS-01, through the provider
	// of dns: wildcards, and names that the Internet does not reach.
	DNS01 []string `json:"dns01,omitempty" eg:"[example.com]"`
	// PrivateCA signs with a root that kbm makes: pki/private-ca.crt, for the
	// machines of a LAN to trust.
	PrivateCA bool `json:"privateCA,omitempty"`
}

// Auth puts a sign-in in front of apps.
type Auth struct {
	// Provider is oidc, or another that oauth2-proxy has: github, google, …
	Provider string `json:"provider,omitempty"`
	// IssuerURL of the OpenID Connect provider.
	IssuerURL string `json:"issuerURL,omitempty" eg:"https://accounts.example.com"`
	// ClientID of the cluster there.
	ClientID string `json:"clientID" eg:"kbm"`
	// ClientSecret of the cluster there.
	ClientSecret Secret `json:"clientSecret" eg:"{env: OIDC_SECRET}"`
	// Hosts are the names under which sign-in is served, at /oauth2: an own one,
	// or the app's.
	Hosts []string `json:"hosts" eg:"[auth.example.com]"`
	// Class of the ingress that serves the hosts. Unless set, the default one.
	Class string `json:"class,omitempty" eg:"external"`
	// Issuer of the hosts' certificate. Unless set, the first of certs that is
	// not for trials.
	Issuer string `json:"issuer,omitempty" eg:"letsencrypt-production"`
	// CookieDomains are the domains whose apps share one sign-in. Unless set,
	// only the host that the person signed in at.
	CookieDomains []string `json:"cookieDomains,omitempty" eg:"[.example.com]"`
	// EmailDomains of the people who may enter; "*" lets in whomever the
	// provider knows.
	EmailDomains []string `json:"emailDomains" eg:"[example.com]"`
	// CAFile holds the certificates (PEM) that the provider is verified with.
	// Unless set, the public ones.
	CAFile string `json:"caFile,omitempty" local:"file" eg:"sso-ca.pem"`
	// Options are further flags of oauth2-proxy, without the dashes.
	Options map[string]string `json:"options,omitempty" eg:"{github-org: example}"`
}

// Metrics is what kubectl top asks.
type Metrics struct {
	// ServiceMonitors has kbm make one for each addon that has metrics, where
	// the Prometheus operator runs.
	ServiceMonitors bool `json:"serviceMonitors,omitempty"`
}

// Extra is the user's own.
type Extra struct {
	// Manifests are files and folders of YAML, relative to the cluster's folder.
	Manifests []string `json:"manifests,omitempty" local:"path" eg:"[manifests]"`
	// TLS makes Secrets of certificates in local files.
	TLS []TLSSecret `json:"tls,omitempty" eg:"[{name: app-tls, namespace: default, cert: app.crt, key: app.key.age}]"`
	// HTPasswd makes Secrets for basic authentication of local files.
	HTPasswd []HTPasswdSecret `json:"htpasswd,omitempty" eg:"[{name: basic-auth, namespace: default, file: auth}]"`
}

// TLSSecret is a Secret of type kubernetes.io/tls.
type TLSSecret struct {
	// Name of the Secret.
	Name string `json:"name" eg:"app-tls"`
	// Namespace of the Secret.
	Namespace string `json:"namespace,omitempty"`
	// Cert is the file of the certificate and its chain (PEM).
	Cert string `json:"cert" local:"file" eg:"app.crt"`
	// Key is the file of its key (PEM); one that ends in .age is encrypted.
	Key string `json:"key" local:"file" eg:"app.key.age"`
}

// HTPasswdSecret is a Secret with the key auth.
type HTPasswdSecret struct {
	// Name of the Secret.
	Name string `json:"name" eg:"basic-auth"`
	// Namespace of the Secret.
	Namespace string `json:"namespace,omitempty"`
	// File that htpasswd wrote; one that ends in .age is encrypted.
	File string `json:"file" local:"file" eg:"auth"`
}
