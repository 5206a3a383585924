# The names of the cluster six-feet for the DNS of an OpenWrt router, from
# cluster.yaml; by kbm external uci. Run it there:
#   kbm external uci | ssh root@ROUTER sh
set -ef

# What an earlier run has put there goes first. Each section carries a mark.
while section=$(uci -q show dhcp | sed -n "s/^dhcp\.\(@domain\[[0-9]*\]\)\.kbm='six-feet'\$/\1/p" | head -n 1) && [ -n "$section" ]; do
	uci delete "dhcp.$section"
done
for address in $(uci -q get dhcp.kbm_six_feet.address); do
	uci del_list "dhcp.@dnsmasq[0].address=$address"
done
uci -q delete dhcp.kbm_six_feet || true

# a host of the class both
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='both.example.com'
uci set dhcp.@domain[-1].ip='192.0.2.30'
uci set dhcp.@domain[-1].kbm='six-feet'
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='both.example.com'
uci set dhcp.@domain[-1].ip='fd00::30'
uci set dhcp.@domain[-1].kbm='six-feet'

# a host of the class edge
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='six.example.com'
uci set dhcp.@domain[-1].ip='fd00::21'
uci set dhcp.@domain[-1].kbm='six-feet'
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='six.example.com'
uci set dhcp.@domain[-1].ip='fd00::22'
uci set dhcp.@domain[-1].kbm='six-feet'

# Wildcards are a setting of dnsmasq itself. The section of kbm's own, which
# nothing else reads, remembers which of them to take out again.
uci set dhcp.kbm_six_feet=kbm

# a host of the class edge
uci add_list dhcp.@dnsmasq[0].address='/*.six.example.com/fd00::21'
uci add_list dhcp.kbm_six_feet.address='/*.six.example.com/fd00::21'
uci add_list dhcp.@dnsmasq[0].address='/*.six.example.com/fd00::22'
uci add_list dhcp.kbm_six_feet.address='/*.six.example.com/fd00::22'

uci commit dhcp
/etc/init.d/dnsmasq restart
