#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that the demo and the tests need, and
# nothing else. It says what it installs, and is done at once where nothing is
# missing. kbm itself needs none of them.
set -euo pipefail

# A package a line, and what it is there for.
packages='
gcc                 compiles runc, Ignition and the pause container
libc6-dev           the C library they are linked with
libseccomp-dev      runc: seccomp profiles
libblkid-dev        Ignition: finds the disk it reads
pkg-config          finds both libraries
ca-certificates     verifies where modules and packages come from
curl                asks the demo cluster for an answer
mmdebstrap          makes the base system of lab machines
systemd-container   runs lab machines
qemu-system-x86     runs virtual ones
qemu-utils          their disks
iproute2            tests run the scripts of kbm with the programs of this machine: ip
nftables            likewise: nft
util-linux          namespaces of the tests
openssh-client      tests hold kbm against the real ssh and ssh-keygen
openssh-server      tests log in to a real sshd
sudo                tests log in as a user who is not root
bind9               tests: the authoritative DNS server that records are kept in
bind9-dnsutils      pages of docs/tasks ask it: dig
openssl             tests verify certificates with a second program; make bench
genisoimage         make bench: what kbm is measured against
xorriso             tests read ISOs with a second program
p7zip-full          tests read ISOs with a third program: 7z
xz-utils            tests read what kbm puts into a live ISO
python3             tests run cloud-init
haproxy             tests send traffic through what kbm external haproxy prints
dnsmasq-base        tests ask it for the names of kbm external dnsmasq
bind9-utils         tests read the zones of kbm external zone: named-checkzone
'

fail() {
	printf 'setup: %s\n' "$1" >&2
	exit 1
}

missing() {
	local name reason
	while read -r name reason; do
		if [ -n "$name" ] && ! is_installed "$name"; then
			printf '%s\t%s\n' "$name" "$reason"
		fi
	done <<<"$packages"
}

is_installed() {
	[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Services of the packages must not start on the user's machine. The file is
# the packages' own way to be told so: /usr/share/doc/init-system-helpers.
policy=/usr/sbin/policy-rc.d
policy_mark='# by setup.sh of kbm'

forbid_services() {
	allow_services # a file left behind by a killed run
	[ ! -e "$policy" ] || return 0
	trap allow_services EXIT
	printf '#!/bin/sh\n%s\nexit 101\n' "$policy_mark" >"$policy"
	chmod 755 "$policy"
}

allow_services() {
	if grep --quiet --line-regexp --fixed-strings "$policy_mark" "$policy" 2>/dev/null; then
		rm -f "$policy"
	fi
}

install_packages() {
	local list=$1 names had_sshd=yes had_haproxy=yes
	names=$(cut -f1 <<<"$list")
	[ "$(id -u)" = 0 ] || fail "packages are missing ($(tr '\n' ' ' <<<"$names" | sed 's/ $//')), and only root can install them: run it again as root"
	echo 'setup: installing what is missing:'
	column_list <<<"$list"
	is_installed openssh-server || had_sshd=no
	is_installed haproxy || had_haproxy=no
	export DEBIAN_FRONTEND=noninteractive
	local apt=(apt-get --quiet --quiet --yes -o DPkg::Lock::Timeout=120 -o Acquire::Retries=3)
	"${apt[@]}" update || fail 'apt-get update did not succeed (above): can this machine reach its package mirror?'
	forbid_services
	# shellcheck disable=SC2086
	"${apt[@]}" install --no-install-recommends $names >/dev/null ||
		fail 'apt-get install did not succeed (above)'
	allow_services
	# What was not here before must not answer after the next start of the
	# machine either.
	[ "$had_sshd" = yes ] || disable ssh.service ssh.socket
	[ "$had_haproxy" = yes ] || disable haproxy.service
	echo 'setup: done'
}

disable() {
	if [ -d /run/systemd/system ]; then
		systemctl --quiet disable "$@" 2>/dev/null || true
	fi
}

column_list() {
	local name reason
	while IFS=$'\t' read -r name reason; do
		printf '  %-19s %s\n' "$name" "$reason"
	done
}

# go.mod says which Go is needed, and go itself says whether it is that.
check_go() {
	local wanted answer
	wanted=$(sed -n 's/^go //p' go.mod)
	command -v go >/dev/null ||
		fail "Go is not in PATH: install $wanted or later from https://go.dev/dl (and if it is there for you but not for root: sudo env PATH=\"\$PATH\" make …)"
	answer=$(go list -m 2>&1 >/dev/null) ||
		fail "$(go env GOVERSION) cannot build this: Go $wanted or later is needed, from https://go.dev/dl ($answer)"
}

cd "$(dirname "$0")/.."
check_go
command -v dpkg-query >/dev/null || fail 'this is not Debian or Ubuntu: the lab and the tests need Debian 12 or later, or Ubuntu; kbm itself (make build) does not'
list=$(missing)
[ -z "$list" ] || install_packages "$list"
