#!/usr/bin/env bash
# Runs a command while the kernel backs memory with huge pages unasked, and
# puts the setting back after it (ADR 0020). Compilers and API servers touch
# gigabytes for the first time, and on a virtual computer such a touch may cost
# 12 µs a page. Kernels of Debian are set so always; where only programs that ask
# get huge pages, those written in Go never do.
set -euo pipefail

setting=/sys/kernel/mm/transparent_hugepage/enabled

back() { echo madvise >"$setting"; }

# "never" is somebody's decision, and stays.
if [ -w "$setting" ] && grep --quiet --fixed-strings '[madvise]' "$setting"; then
	trap back EXIT
	echo always >"$setting"
fi
"$@"
