//go:build lab

package e2e

import "github.com/kbm-dev/kbm/e2e/harness"

// What the load balancer and the edge have, and the address that leads to
// HAProxy, which runs on the machine outside.
const (
	edgeAddress    = "10.90.0.14"
	lanAddress     = "10.90.0.240"
	seedAddress    = "10.90.0.250"
	proxiedAddress = harness.Gateway
)

// addonsSection turns every addon on. Two classes have the names that the seeds
// give to theirs.
const addonsSection = `addons:
  ingress:
    gatewayAPI: true
    classes:
    - {name: nginx, expose: hostNetwork, metrics: true}
    - {name: internal, expose: loadBalancer, pool: lan}
    - {name: nginx-external, expose: loadBalancer, pool: reserved, replicas: 1, defaultBackend: kube-system/default-http-backend}
    - {name: proxied, default: true, expose: nodePort, publish: [10.90.0.1], trustedProxies: [10.90.0.1/32], hosts: [viaproxy.example.com]}
  loadBalancer:
    pools:
    - {name: lan, addresses: [10.90.0.240-10.90.0.247]}
    - {name: reserved, addresses: [10.90.0.250/32], autoAssign: false}
  dns:
    provider: rfc2136
    domains: [example.com, pius.dev, jeffreyforman.net, encompasshost.com]
    interval: 10s
    rfc2136: {server: 10.90.0.1, keyName: kbm, key: {env: TSIG_KEY}}
  certs:
    email: me@example.com
    resolvers: ["10.90.0.1:53"]
    issuers:
    - {name: letsencrypt-production, server: "https://acme.example.com:14000/dir", caFile: servers-ca.pem, class: nginx, dns01: [wild.example.com]}
    - {name: private-ca, privateCA: true}
  auth:
    issuerURL: https://sso.example.com:5556/dex
    clientID: kbm
    clientSecret: {env: OIDC_SECRET}
    hosts: [auth.example.com, application.encompasshost.com]
    class: nginx
    issuer: private-ca
    cookieDomains: [.example.com, .encompasshost.com]
    emailDomains: ["*"]
    caFile: servers-ca.pem
  metrics: {}
  extra:
    manifests: [manifests]
    htpasswd: [{name: basic-auth, namespace: e2e, file: auth}, {name: basic-auth, file: auth}]
    tls: [{name: encompass-tls-secret, cert: seed.crt, key: seed.key}]
`

// ownManifest is the user's own, applied by kbm. The Secret of extra's is made
// in its namespace.
const ownManifest = `apiVersion: v1
kind: Namespace
metadata: {name: e2e}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own, namespace: e2e}
data: {says: the user's own}
`

// apps are what answers. Web is on the workers, for requests to be spread;
// steady is on the controller, which no test switches off.
const apps = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: e2e}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: agnhost
        image: AGNHOST
        imagePullPolicy: Never
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: e2e}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
` + steady + ingresses

const steady = `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: steady, namespace: e2e}
spec:
  selector: {matchLabels: {app: steady}}
  template:
    metadata: {labels: {app: steady}}
    spec:
      hostname: steady
      nodeSelector: {node-role.kubernetes.io/control-plane: ""}
      tolerations: [{key: node-role.kubernetes.io/control-plane}]
      terminationGracePeriodSeconds: 0
      containers:
      - name: agnhost
        image: AGNHOST
        imagePullPolicy: Never
        args: [netexec, --http-port=8080]
        readinessProbe: {httpGet: {path: /healthz, port: 8080}, periodSeconds: 1}
---
apiVersion: v1
kind: Service
metadata: {name: steady, namespace: e2e}
spec: {selector: {app: steady}, ports: [{port: 80, targetPort: 8080}]}
`
