#!/usr/bin/env bash
# A real cluster of three machines on this computer, made as a user makes one:
# every command is shown before it runs. What is there already is kept, so it
# can be run again, also after it was interrupted.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" = 0 ] || {
	echo 'demo: the lab starts machines, which only root can: run it again as root' >&2
	exit 1
}

show() {
	printf '\n$ %s\n' "$*"
	"$@"
}

kbm() { show bin/kbm --dir demo "$@"; }

add_node() {
	local name=$1
	shift
	[ -e "demo/nodes/$name.yaml" ] || kbm add-node "$name" "$@" --gateway 10.88.0.1
}

make --no-print-directory build
kbm bundle build node controller lab

[ -e demo/cluster.yaml ] || kbm init --name demo --endpoint 10.88.0.11 --bundle-image agnhost
add_node cp1 --role controller --address 10.88.0.11/24
add_node w1 --role worker --address 10.88.0.12/24
add_node ed1 --role edge --address 10.88.0.13/24

kbm lab up
kbm up
kbm lab exec -- kubectl get nodes -o wide

# The bundle of each Kubernetes release has its own agnhost.
image=$(bin/kbm --dir demo bundle list | awk '$1 == "agnhost" { print $NF }')
sed "s|AGNHOST|$image|" scripts/demo-app.yaml >demo/hello.yaml
kbm lab exec -- kubectl apply -f demo/hello.yaml
kbm lab exec -- kubectl rollout status deployment/hello --timeout 3m
kbm lab exec -- curl --silent --fail --max-time 5 \
	--retry 60 --retry-delay 1 --retry-all-errors --retry-max-time 60 \
	http://10.88.0.12:30080/hostname || {
	echo 'demo: no answer from http://10.88.0.12:30080 within a minute' >&2
	exit 1
}
cat <<'END'


That was a pod's answer, asked for from outside the cluster. What to try next:
  look around     bin/kbm --dir demo lab exec -- kubectl get pods -A -o wide
  heal a machine  bin/kbm --dir demo ssh w1 -- systemctl stop kubelet; bin/kbm --dir demo diff; bin/kbm --dir demo up
  tear it down    make demo-down
END
