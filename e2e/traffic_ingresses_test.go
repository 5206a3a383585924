//go:build lab

package e2e

// ingresses are one a part of the test.
const ingresses = intranet + gateway + `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app
  namespace: e2e
  annotations: {cert-manager.io/cluster-issuer: letsencrypt-production}
spec:
  ingressClassName: nginx
  tls: [{hosts: [app.example.com], secretName: app-tls}]
  rules:
  - {host: app.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: wild
  namespace: e2e
  annotations: {cert-manager.io/cluster-issuer: letsencrypt-production}
spec:
  ingressClassName: internal
  tls: [{hosts: ["*.wild.example.com"], secretName: wild-tls}]
  rules:
  - {host: "*.wild.example.com", http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: basic
  namespace: e2e
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: basic-auth
    nginx.ingress.kubernetes.io/auth-realm: Authentication Required
spec:
  ingressClassName: nginx
  rules:
  - {host: basic.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: members
  namespace: e2e
  annotations:
    cert-manager.io/cluster-issuer: letsencrypt-production
    nginx.ingress.kubernetes.io/auth-url: http://oauth2-proxy.auth.svc.cluster.local/oauth2/auth
    nginx.ingress.kubernetes.io/auth-signin: https://auth.example.com/oauth2/start?rd=https://$host$escaped_request_uri
    nginx.ingress.kubernetes.io/auth-response-headers: X-Auth-Request-User, X-Auth-Request-Email
spec:
  ingressClassName: nginx
  tls: [{hosts: [members.example.com], secretName: members-tls}]
  rules:
  - {host: members.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: limited
  namespace: e2e
  annotations:
    nginx.ingress.kubernetes.io/limit-rps: "1"
    nginx.ingress.kubernetes.io/limit-burst-multiplier: "2"
spec:
  ingressClassName: nginx
  rules:
  - {host: limited.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: office
  namespace: e2e
  annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.90.0.1/32}
spec:
  ingressClassName: nginx
  rules:
  - {host: office.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: elsewhere
  namespace: e2e
  annotations: {nginx.ingress.kubernetes.io/whitelist-source-range: 10.90.0.2/32}
spec:
  ingressClassName: nginx
  rules:
  - {host: elsewhere.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: sticky
  namespace: e2e
  annotations:
    nginx.ingress.kubernetes.io/affinity: cookie
    nginx.ingress.kubernetes.io/session-cookie-name: stays
spec:
  ingressClassName: nginx
  rules:
  - {host: sticky.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: plain, namespace: e2e}
spec:
  ingressClassName: internal
  rules:
  - {host: plain.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: spread, namespace: e2e}
spec:
  ingressClassName: nginx
  rules:
  - {host: spread.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: proxied
  namespace: e2e
  annotations: {cert-manager.io/cluster-issuer: private-ca}
spec: # no class: the default one takes it
  tls: [{hosts: [viaproxy.example.com], secretName: proxied-tls}]
  rules:
  - {host: viaproxy.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
`

const intranet = `---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: intranet
  namespace: e2e
  annotations: {cert-manager.io/cluster-issuer: private-ca}
spec:
  ingressClassName: internal
  tls: [{hosts: [intranet.example.com], secretName: intranet-tls}]
  rules:
  - {host: intranet.example.com, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: steady, port: {number: 80}}}}]}}
`

const gateway = `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: inward, namespace: e2e}
spec:
  gatewayClassName: internal
  listeners: [{name: web, port: 80, protocol: HTTP}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: gated, namespace: e2e}
spec:
  parentRefs: [{name: inward}]
  hostnames: [gated.example.com]
  rules: [{backendRefs: [{name: steady, port: 80}]}]
`
