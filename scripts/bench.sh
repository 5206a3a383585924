#!/usr/bin/env bash
# Runs every benchmark in bench/, each of which prints its own table.
set -euo pipefail
cd "$(dirname "$0")/.."

bin/kbm bundle build
for bench in bench/*/; do
	echo "== ${bench%/}"
	go run "./${bench%/}"
done
