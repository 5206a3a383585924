# Targets that people type. What takes more than a line stands in scripts/.
# Whatever is slow to make the first time is cached outside the checkout.

# One way to compile for all targets, and for the bundle: what one has compiled,
# another finds in Go's cache. Debug information is for nobody: programs are
# linked without it, and so are tests. A checkout that git does not trust is
# built without its version.
export CGO_ENABLED := 0
OURS := -trimpath -gcflags=all=-dwarf=false
export GOFLAGS := $(strip $(filter-out $(OURS),$(GOFLAGS)) $(OURS))
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

TOOL := go tool -modfile=tools/go.mod
# Packages whose tests take -update, and write their goldens anew with it.
GOLDEN = $(shell grep -rl --include='*_test.go' 'flag.Bool."update"' . | xargs -n1 dirname | sort -u)

.DEFAULT_GOAL := help

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

generate: ## fetch what is embedded and not committed: the definitions of custom resources
	@go generate ./addons

build: generate ## bin/kbm, static
	go build -buildvcs=$(VCS) -ldflags '-s -w' -o bin/kbm .

setup: ## install the Debian or Ubuntu packages that demo and test need
	@scripts/setup.sh

demo: setup ## a real cluster of three machines on this computer, in demo/
	@scripts/huge-pages.sh scripts/demo.sh

demo-down: build ## remove the demo, and everything it left
	@scripts/demo-down.sh

test: setup ## every test there is, those on lab machines last
	@scripts/huge-pages.sh scripts/test.sh

bench: setup build ## measure against kubeadm, and openssl with genisoimage (ARGS=-check: fail when a goal is missed)
	bin/kbm bundle build
	go run ./bench $(ARGS)

lint: ## the linters, with the rules of the house
	$(TOOL) golangci-lint run ./...

golden: generate ## write what tests compare with anew: read the diff before you commit
	go test $(GOLDEN) -update

.PHONY: help generate build setup demo demo-down test bench lint golden
