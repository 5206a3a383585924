#!/usr/bin/env bash
# Removes the demo: machines, disks and network first, then its folder. What is
# cached stays, so that the next demo is quick; the last line says where.
set -euo pipefail
cd "$(dirname "$0")/.."

echo '$ bin/kbm --dir demo lab down'
bin/kbm --dir demo lab down
rm -rf demo
echo "The demo is gone. Kept for the next one: $(bin/kbm bundle path) and /var/cache/kbm."
