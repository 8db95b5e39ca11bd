# A small network to record in and to try the program in. Sourced by record.sh
# and demo.sh; needs root and bash.
#
#   namespace $LAB_HOST                        namespace $LAB_PEER
#   the protected host                         everybody else
#   $LAB_IF 192.0.2.1  2001:db8::1   <-veth->  $LAB_IF 192.0.2.2  2001:db8::2
#
# What must hold: everything runs inside the two namespaces, their names end in
# the process id, and lab_down ends exactly the processes that live in them.
# A script that sources this file calls lab_down from its EXIT trap.

LAB_HOST=skxc-host-$$
LAB_PEER=skxc-peer-$$
# skxc keeps what it attached below the interface's name, in one place for all
# namespaces: an `eth0` here would meet the machine's own.
LAB_IF=lab$$
LAB_TMP=$(mktemp -d)

HOST4=192.0.2.1 HOST6=2001:db8::1
PEER4=192.0.2.2 PEER6=2001:db8::2

on_host() { ip netns exec "$LAB_HOST" "$@"; }
on_peer() { ip netns exec "$LAB_PEER" "$@"; }

# lab_up: both namespaces, the cable between them, addresses.
lab_up() {
	ip netns add "$LAB_HOST"
	ip netns add "$LAB_PEER"
	ip link add "$LAB_IF" netns "$LAB_HOST" address 02:00:00:00:00:01 type veth \
		peer name "$LAB_IF" netns "$LAB_PEER" address 02:00:00:00:00:02
	local ns
	for ns in "$LAB_HOST" "$LAB_PEER"; do
		# With offloads on, a "packet" is a 64 KB bundle without a checksum,
		# which no wire carries and native XDP never sees.
		ip netns exec "$ns" ethtool -K "$LAB_IF" \
			tso off gso off gro off tx off rx off >/dev/null
		# IPv6 is off until lab_ipv6: neighbour discovery and multicast
		# reports would stand in a scan's recording and be labelled scan.
		lab_sysctl "$ns" net.ipv6.conf.all.disable_ipv6=1
		# A closed UDP port answers every probe; one answer a second, the
		# default, would make a UDP scan last minutes.
		lab_sysctl "$ns" net.ipv4.icmp_ratelimit=0
		ip -n "$ns" link set lo up
	done
	ip -n "$LAB_HOST" address add $HOST4/24 dev "$LAB_IF"
	ip -n "$LAB_PEER" address add $PEER4/24 dev "$LAB_IF"
	ip -n "$LAB_HOST" link set "$LAB_IF" up
	ip -n "$LAB_PEER" link set "$LAB_IF" up
}

lab_ipv6() {
	local ns
	for ns in "$LAB_HOST" "$LAB_PEER"; do
		lab_sysctl "$ns" net.ipv6.conf.all.disable_ipv6=0
		lab_sysctl "$ns" net.ipv6.conf.$LAB_IF.router_solicitations=0
	done
	ip -n "$LAB_HOST" address add $HOST6/64 dev "$LAB_IF" nodad
	ip -n "$LAB_PEER" address add $PEER6/64 dev "$LAB_IF" nodad
	sleep 2 # link-local addresses settle
}

# No ARP or neighbour discovery: then a scan's recording is the scan alone.
lab_know_neighbours() {
	ip -n "$LAB_HOST" neighbour replace $PEER4 lladdr 02:00:00:00:00:02 dev "$LAB_IF"
	ip -n "$LAB_PEER" neighbour replace $HOST4 lladdr 02:00:00:00:00:01 dev "$LAB_IF"
	[ "$(lab_sysctl_get "$LAB_HOST" net.ipv6.conf.$LAB_IF.disable_ipv6)" = 0 ] || return 0
	ip -n "$LAB_HOST" neighbour replace $PEER6 lladdr 02:00:00:00:00:02 dev "$LAB_IF"
	ip -n "$LAB_PEER" neighbour replace $HOST6 lladdr 02:00:00:00:00:01 dev "$LAB_IF"
}

lab_sysctl_get() { ip netns exec "$1" sysctl -n "$2"; }

lab_sysctl() {
	local ns=$1
	shift
	ip netns exec "$ns" sysctl -q -w "$@"
}

# lab_serve NAMESPACE [ssh] [bulk]: HTTP on 80 and 8080 and DNS on 53 always.
lab_serve() {
	local ns=$1 www=$LAB_TMP/www
	shift
	lab_documents "$www"
	local port
	for port in 80 8080; do
		ip netns exec "$ns" python3 -m http.server --protocol HTTP/1.1 \
			--directory "$www" "$port" >/dev/null 2>&1 &
	done
	ip netns exec "$ns" dnsmasq --keep-in-foreground --conf-file=/dev/null \
		--no-resolv --no-hosts --no-daemon --user=root --pid-file= \
		--host-record=www.example.com,192.0.2.1,2001:db8::1 \
		--host-record=mail.example.com,192.0.2.25 \
		--mx-host=example.com,mail.example.com,10 \
		--txt-record=example.com,"v=spf1 mx -all $(printf 'x%.0s' {1..180})" \
		--address=/shop.example.com/192.0.2.80 >/dev/null 2>&1 &
	local service
	for service in "$@"; do
		case $service in
		ssh) lab_sshd "$ns" ;;
		bulk) ip netns exec "$ns" iperf3 --server >/dev/null 2>&1 & ;;
		esac
	done
	for port in 53 80 8080; do lab_wait_port "$ns" "$port"; done
}

lab_documents() {
	local www=$1 size
	[ -d "$www" ] && return
	mkdir -p "$www"
	for size in 0 100 1000 4000 12000 50000 200000; do
		head -c "$size" /dev/zero | tr '\0' 'a' >"$www/$size"
	done
}

# A key of its own, thrown away with $LAB_TMP; nothing of the machine's sshd or
# of the caller's ~/.ssh is read or written.
lab_sshd() {
	local ns=$1 key=$LAB_TMP/key
	[ -f "$key" ] || ssh-keygen -q -t ed25519 -N '' -f "$key"
	cat >"$LAB_TMP/sshd_config" <<-EOT
		HostKey $key
		AuthorizedKeysFile $key.pub
		PermitRootLogin yes
		PasswordAuthentication no
		UsePAM no
		StrictModes no
		Subsystem sftp internal-sftp
	EOT
	# `ip netns exec` gives the command a mount namespace, so this /run is
	# not the machine's.
	ip netns exec "$ns" sh -c 'mount -t tmpfs t /run && mkdir /run/sshd &&
		exec "$0" -D -f "$1"' "$(command -v sshd)" "$LAB_TMP/sshd_config" \
		>/dev/null 2>&1 &
	lab_wait_port "$ns" 22
}

lab_wait_port() {
	local ns=$1 port=$2 try
	for try in {1..50}; do
		[ -n "$(ip netns exec "$ns" ss -Hltn "sport = :$port")" ] && return
		sleep 0.1
	done
	echo "lab: nothing listens on port $port after 5 s" >&2
	return 1
}

# lab_stack NAMESPACE linux|windows|embedded HOPS: how its TCP/IP presents itself.
# Otherwise every ordinary SYN of the recordings has the options and the window
# of this machine's kernel, and a model would take any other kernel for a scanner.
lab_stack() {
	local ns=$1 style=$2 hops=$3
	case $style in
	linux)
		lab_sysctl "$ns" net.ipv4.ip_default_ttl=$((64 - hops))
		;;
	windows) # no timestamps, initial TTL 128
		lab_sysctl "$ns" net.ipv4.ip_default_ttl=$((128 - hops)) \
			net.ipv4.tcp_timestamps=0 net.ipv4.tcp_rmem="4096 65536 262144"
		;;
	embedded) # only the MSS option, small window, DF clear, initial TTL 255
		lab_sysctl "$ns" net.ipv4.ip_default_ttl=$((255 - hops)) \
			net.ipv4.tcp_timestamps=0 net.ipv4.tcp_sack=0 \
			net.ipv4.tcp_window_scaling=0 net.ipv4.ip_no_pmtu_disc=1 \
			net.ipv4.tcp_rmem="2048 8192 16384"
		;;
	esac
}

# lab_down: end what lives in the two namespaces, then remove them. Safe to call
# twice and when lab_up failed half-way.
lab_down() {
	local ns pids
	for ns in "$LAB_HOST" "$LAB_PEER"; do
		[ -e "/run/netns/$ns" ] || continue
		pids=$(ip netns pids "$ns")
		# shellcheck disable=SC2086 # one argument per process id
		[ -z "$pids" ] || kill $pids 2>/dev/null || true
		ip netns delete "$ns"
	done
	wait 2>/dev/null || true
}

lab_remove_files() { rm -rf "$LAB_TMP"; }
