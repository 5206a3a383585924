// The modules whose custom resource definitions kbm embeds. No package of theirs
// is compiled; main.go reads their YAML.
module github.com/kbm-dev/kbm/tools/crds

go 1.26.8

require (
	github.com/cert-manager/cert-manager v1.21.2
	go.universe.tf/metallb v0.16.1
	sigs.k8s.io/gateway-api v1.6.3
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
