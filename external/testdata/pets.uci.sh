# The names of the cluster pets for the DNS of an OpenWrt router, from
# cluster.yaml; by kbm external uci. Run it there:
#   kbm external uci | ssh root@ROUTER sh
set -ef

# What an earlier run has put there goes first. Each section carries a mark.
while section=$(uci -q show dhcp | sed -n "s/^dhcp\.\(@domain\[[0-9]*\]\)\.kbm='pets'\$/\1/p" | head -n 1) && [ -n "$section" ]; do
	uci delete "dhcp.$section"
done
for address in $(uci -q get dhcp.kbm_pets.address); do
	uci del_list "dhcp.@dnsmasq[0].address=$address"
done
uci -q delete dhcp.kbm_pets || true

# a host of the class external
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='app1.k8s.example.com'
uci set dhcp.@domain[-1].ip='192.168.0.3'
uci set dhcp.@domain[-1].kbm='pets'

# a host of the class external
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='app2.k8s.example.com'
uci set dhcp.@domain[-1].ip='192.168.0.3'
uci set dhcp.@domain[-1].kbm='pets'

# a host of the class internal
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='nas.example.com'
uci set dhcp.@domain[-1].ip='192.168.0.5'
uci set dhcp.@domain[-1].kbm='pets'

# Wildcards are a setting of dnsmasq itself. The section of kbm's own, which
# nothing else reads, remembers which of them to take out again.
uci set dhcp.kbm_pets=kbm

# a host of the class internal
uci add_list dhcp.@dnsmasq[0].address='/*.lan.example.com/192.168.0.5'
uci add_list dhcp.kbm_pets.address='/*.lan.example.com/192.168.0.5'

uci commit dhcp
/etc/init.d/dnsmasq restart
