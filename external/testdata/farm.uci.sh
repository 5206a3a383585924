# The names of the cluster farm for the DNS of an OpenWrt router, from
# cluster.yaml; by kbm external uci. Run it there:
#   kbm external uci | ssh root@ROUTER sh
set -ef

# What an earlier run has put there goes first. Each section carries a mark.
while section=$(uci -q show dhcp | sed -n "s/^dhcp\.\(@domain\[[0-9]*\]\)\.kbm='farm'\$/\1/p" | head -n 1) && [ -n "$section" ]; do
	uci delete "dhcp.$section"
done
for address in $(uci -q get dhcp.kbm_farm.address); do
	uci del_list "dhcp.@dnsmasq[0].address=$address"
done
uci -q delete dhcp.kbm_farm || true

# a host of the class main
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='grafana.farm.example.com'
uci set dhcp.@domain[-1].ip='10.10.0.5'
uci set dhcp.@domain[-1].kbm='farm'

uci commit dhcp
/etc/init.d/dnsmasq restart
