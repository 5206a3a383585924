#!/usr/bin/env bash
# Runs every test: quick ones first, then those that need lab machines. The
# last line says how it went.
set -euo pipefail
cd "$(dirname "$0")/.."

gotestsum() { go tool -modfile=tools/go.mod gotestsum "$@"; }

# Packages with tests that need lab machines; the clusters take longest.
lab_packages() {
	echo ./e2e
	grep -rlE --include='*_test.go' '^//go:build lab$' . | xargs -n1 dirname | sort -u | grep -vx ./e2e
}

stage='building kbm'
finish() {
	local code=$? took="$((SECONDS / 60))m$(printf %02d $((SECONDS % 60)))s"
	if [ "$code" = 0 ]; then
		echo "make test: all passed, in $took"
	else
		echo "make test: FAILED in $stage, after $took"
	fi
}
trap finish EXIT

make --no-print-directory build

export KBM=$PWD/bin/kbm # what the lab tests run

mapfile -t lab < <(lab_packages)
# Each test runs once: the unit tests of these packages run beside the lab's.
# The commands take longest, and packages begin in this order.
mapfile -t quick < <(go list ./cmd && go list ./... | grep -vx "$(go list ./cmd)" | grep -vxFf <(printf '%s\n' "${lab[@]/#./$(go list -m)}"))

stage='the unit tests'
echo '== unit tests'
gotestsum --format pkgname --format-hide-empty-pkg -- -timeout 10m "${quick[@]}"

stage='building the bundle'
echo '== bundle: what lab machines run; the first time, Kubernetes is built from source'
bin/kbm bundle build node controller addons lab traffic

stage='the lab tests'
echo '== lab tests: on real machines'
# A lab is not a function of the sources alone, so no earlier result is reused.
# Part of a test is waiting for machines, so the clusters of one package run
# beside the single programs of the others.
gotestsum --format testname -- -tags lab -count 1 -p 2 -timeout 60m "${lab[@]}"
