# The names of the cluster {{ .Cluster }} for the DNS of an OpenWrt router, from
# {{ .Source }}; by kbm external uci. Run it there:
#   kbm external uci | ssh root@ROUTER sh
set -ef

# What an earlier run has put there goes first. Each section carries a mark.
while section=$(uci -q show dhcp | sed -n "s/^dhcp\.\(@domain\[[0-9]*\]\)\.kbm='{{ .Cluster }}'\$/\1/p" | head -n 1) && [ -n "$section" ]; do
	uci delete "dhcp.$section"
done
for address in $(uci -q get dhcp.{{ .Section }}.address); do
	uci del_list "dhcp.@dnsmasq[0].address=$address"
done
uci -q delete dhcp.{{ .Section }} || true
{{- range $name := .Exact }}

# {{ .From }}
{{- range .Addresses }}
uci add dhcp domain >/dev/null
uci set dhcp.@domain[-1].name='{{ $name.Name }}'
uci set dhcp.@domain[-1].ip='{{ . }}'
uci set dhcp.@domain[-1].kbm='{{ $.Cluster }}'
{{- end }}
{{- end }}
{{- with .Wildcards }}

# Wildcards are a setting of dnsmasq itself. The section of kbm's own, which
# nothing else reads, remembers which of them to take out again.
uci set dhcp.{{ $.Section }}=kbm
{{- range $name := . }}

# {{ .From }}
{{- range .Addresses }}
uci add_list dhcp.@dnsmasq[0].address='/{{ $name.Name }}/{{ . }}'
uci add_list dhcp.{{ $.Section }}.address='/{{ $name.Name }}/{{ . }}'
{{- end }}
{{- end }}
{{- end }}

uci commit dhcp
/etc/init.d/dnsmasq restart
