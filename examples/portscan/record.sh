#!/usr/bin/env bash
# Records the traffic that the example learns from and is judged on.
#
#   sudo ./record.sh [DIRECTORY]          (default: captures, beside this script)
#
# Real programs talk across a veth pair between two namespaces that this script
# makes and removes. tcpdump runs on the protected host's interface and keeps
# **incoming packets only**, because those are what an XDP program is shown. In a
# scan's recording nobody else talks, so every packet of the file is the
# scanner's own: the label is the file's name and needs no guessing.
#
#   captures/train/scan-syn-1.pcap        split/label-kind-number.pcap
#
# The split is made here, by recording: no packet of a held-out file comes from a
# conversation, a set of options or a run that training sees.
#
# Needs root and: nmap tcpdump ethtool iproute2 curl dnsmasq-base bind9-dnsutils
# iputils-ping openssh-client openssh-server iperf3 python3 procps.
# The bytes differ from run to run (ports, sequence numbers, keys); the shape does not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/captures}

if [ "$(id -u)" != 0 ]; then
	echo "record.sh: needs root, to make network namespaces" >&2
	exit 1
fi
for tool in nmap tcpdump ethtool ip curl dnsmasq dig ping ssh scp sshd iperf3 python3; do
	command -v "$tool" >/dev/null || {
		echo "record.sh: \`$tool\` is not installed" >&2
		exit 1
	}
done

# shellcheck source=lab.sh
. "$here/lab.sh"
cleanup() {
	lab_down
	lab_remove_files
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# --- recording ----------------------------------------------------------------

# record SPLIT NAME STYLE HOPS FUNCTION [ARGUMENT...]
# A fresh network, services on both sides, then FUNCTION while tcpdump writes.
record() {
	local file=$out/$1/$2.pcap style=$3 hops=$4
	shift 4
	mkdir -p "$(dirname "$file")"
	lab_up
	lab_stack "$LAB_PEER" "$style" "$hops"
	[[ $file == *-v6-* ]] && lab_ipv6
	lab_serve "$LAB_HOST" ssh bulk
	if [[ $file == */scan-* ]]; then
		lab_know_neighbours
	else
		lab_serve "$LAB_PEER" ssh bulk
	fi
	capture_begin "$file"
	"$@" >/dev/null 2>&1
	capture_end
	lab_down
	printf '%-36s %6d bytes %5d packets\n' "${file#"$out"/}" \
		"$(stat -c %s "$file")" "$(tcpdump -r "$file" 2>/dev/null | wc -l)"
}

capture_begin() {
	# Full frames: cut ones would have another length than the kernel sees.
	on_host tcpdump -i "$LAB_IF" -Q in --immediate-mode -U -Z root -B 16384 -s 0 \
		-w "$1" 2>/dev/null &
	tcpdump_pid=$!
	local try
	for try in {1..50}; do
		[ -s "$1" ] && return
		sleep 0.1
	done
	echo "record.sh: tcpdump did not start" >&2
	return 1
}

capture_end() {
	sleep 0.5 # the tail is on its way through the capture ring
	kill -TERM "$tcpdump_pid" # asynchronous commands ignore SIGINT
	wait "$tcpdump_pid" || true
}

# --- ordinary traffic -----------------------------------------------------------
# An exchange that fails is traffic like any other, hence the `|| true`.

get() { on_peer curl -s -o /dev/null --max-time 5 "$@" || true; }
fetch() { on_host curl -s -o /dev/null --max-time 5 "$@" || true; }
ask() { on_peer dig +tries=1 +time=1 "$@" || true; }
look_up() { on_host dig +tries=1 +time=1 "$@" || true; }
ssh_options() {
	printf '%s\n' -i "$LAB_TMP/key" -F /dev/null -o BatchMode=yes \
		-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
}
shell() { # shell NAMESPACE ADDRESS COMMAND...
	local ns=$1 options
	shift
	mapfile -t options < <(ssh_options)
	ip netns exec "$ns" ssh "${options[@]}" "$@" || true
}
copy() { # copy NAMESPACE FROM TO
	local ns=$1 options
	shift
	mapfile -t options < <(ssh_options)
	ip netns exec "$ns" scp -q "${options[@]}" "$@" || true
}

web() { # web SIZE...: both directions, the protected host serves and browses
	local size url=http://$HOST4
	for size in "$@"; do
		get "$url/$size"
		get "$url:8080/$size" "$url:8080/100" "$url:8080/0" # one connection
	done
	get -I "$url/1000"
	get -H "Cookie: $(printf 'c%.0s' {1..700})" "$url/1000"
	get "$url/missing"
	get --data "field=$(printf 'd%.0s' {1..2500})" "$url/"
	get -Z "$url/1000" "$url/4000" "$url:8080/1000" "$url:8080/12000"
	get --limit-rate 40K --max-time 0.4 "$url/200000" # given up half-way
	get "$url:81/" # nothing listens: refused
	get "$url:8443/"
	fetch "http://$PEER4/$1" "http://$PEER4/100"
	fetch "http://$PEER4:8080/4000"
	fetch "http://$PEER4/missing"
	fetch "http://$PEER4:81/"
}

remote_shell() { # remote_shell BYTES: logins, typing, copies, a refused key
	shell "$LAB_PEER" "root@$HOST4" 'id; uname -a; ls -l /'
	{
		local word
		for word in pwd 'ls /usr' 'df' 'ps' exit; do
			printf '%s\n' "$word"
			sleep 0.15
		done
	} | shell "$LAB_PEER" -tt "root@$HOST4"
	head -c "$1" /dev/urandom >"$LAB_TMP/file"
	copy "$LAB_PEER" "$LAB_TMP/file" "root@$HOST4:$LAB_TMP/copied"
	copy "$LAB_PEER" "root@$HOST4:$LAB_TMP/www/200000" "$LAB_TMP/copied"
	shell "$LAB_PEER" -o PubkeyAuthentication=no "root@$HOST4" true
	shell "$LAB_HOST" "root@$PEER4" 'date; ls /usr/bin | head -40'
	shell "$LAB_PEER" -p 2222 "root@$HOST4" true # refused
}

names() { # names HOW-MANY: questions in, answers in
	local i
	for ((i = 0; i < $1; i++)); do
		ask "@$HOST4" www.example.com A
		ask "@$HOST4" "host$i.example.org" AAAA
		ask "@$HOST4" "a-rather-long-label-number-$i.shop.example.com" A
		ask "@$HOST4" example.com TXT +bufsize=1232
		ask "@$HOST4" +noedns example.com MX
		look_up "@$PEER4" www.example.com AAAA
		look_up "@$PEER4" example.com TXT
		look_up "@$PEER4" "nothing$i.example.net" A
	done
	ask "@$HOST4" +tcp example.com TXT
	ask "@$HOST4" -x 192.0.2.1
	ask "@$HOST4" -p 5353 www.example.com A # closed port
	look_up "@$PEER4" -p 5353 www.example.com A
}

bulk() { # bulk UPLOAD DOWNLOAD DATAGRAM: bytes towards the host, bytes from it
	on_peer iperf3 -c $HOST4 -n "$1" -l 2K || true
	on_peer iperf3 -c $HOST4 -n "$2" -R || true
	on_peer iperf3 -c $HOST4 -u -b 1M -n 15K -l "$3" || true
	on_host iperf3 -c $PEER4 -n "$2" || true
}

pings() { # pings SIZE...
	local size
	for size in "$@"; do
		on_peer ping -q -c 5 -i 0.05 -s "$size" $HOST4 || true
		on_host ping -q -c 5 -i 0.05 -s "$size" $PEER4 || true
	done
	get "http://$HOST4/100"
	get "http://$HOST4:8081/"
	ask "@$HOST4" -p 123 example.com
}

six() { # six SIZE...: the same kinds of things over IPv6
	local size
	for size in "$@"; do
		get "http://[$HOST6]/$size" "http://[$HOST6]/100"
		fetch "http://[$PEER6]/100"
		on_peer ping -q -c 4 -i 0.05 -s 200 $HOST6 || true
		ask "@$HOST6" www.example.com AAAA
		look_up "@$PEER6" example.com TXT
	done
	get "http://[$HOST6]:81/"
	shell "$LAB_PEER" "root@$HOST6" 'ls -l /'
}

# --- scans ----------------------------------------------------------------------

# scan NMAP-OPTION...: ARP and name look-ups off, so that only probes are sent.
scan() { on_peer nmap -n -Pn --disable-arp-ping --max-retries 1 "$@" $HOST4; }
scan6() { on_peer nmap -6 -n -Pn --disable-arp-ping --max-retries 1 "$@" $HOST6; }

# --- the recordings -------------------------------------------------------------

record train benign-web-1 linux 0 web 0 100 1000 4000 4000
record train benign-web-2 windows 9 web 100 1000 4000 12000
record train benign-web-3 embedded 3 web 100 1000 4000
record train benign-ssh-1 linux 7 remote_shell 8000
record train benign-ssh-2 windows 14 remote_shell 3000
record train benign-dns-1 linux 11 names 25
record train benign-dns-2 embedded 1 names 15
record train benign-bulk-1 linux 5 bulk 40K 300K 700
record train benign-bulk-2 embedded 6 bulk 25K 60K 64
record train benign-ping-1 windows 2 pings 0 56 500 1400
record train benign-ping-2 linux 12 pings 16 32 120 900
record train benign-v6-1 linux 4 six 100 4000 12000

record train scan-syn-1 linux 0 scan -sS -T4 --top-ports 200
record train scan-syn-2 linux 0 scan -sS -T3 -p 1-150 --ttl 64 --source-port 53
record train scan-syn-3 linux 8 scan -sS -T4 --top-ports 150 --data-length 32 --max-rate 300
record train scan-fin-1 linux 0 scan -sF -T4 --top-ports 150
record train scan-fin-2 linux 0 scan -sF -T5 -p 20-120 --ttl 128 --data-length 12
record train scan-null-1 linux 0 scan -sN -T4 --top-ports 150
record train scan-null-2 linux 0 scan -sN -T3 -p 50-150 --ttl 57 --source-port 80
record train scan-udp-1 linux 0 scan -sU -T4 --top-ports 50
record train scan-udp-2 linux 3 scan -sU -T4 -p 40-120 --ttl 64
record train scan-udp-3 linux 0 scan -sU -T4 --top-ports 60 --data-length 24

record heldout benign-web-4 linux 13 web 100 1000 12000
record heldout benign-web-5 windows 4 web 0 4000
record heldout benign-web-6 embedded 10 web 1000
record heldout benign-ssh-3 linux 2 remote_shell 5000
record heldout benign-dns-3 windows 8 names 20
record heldout benign-bulk-3 windows 1 bulk 30K 200K 450
record heldout benign-ping-3 linux 6 pings 8 300 1200
record heldout benign-v6-2 linux 9 six 1000 50000

record heldout scan-syn-4 linux 0 scan -sS -T4 -p 1000-1150
record heldout scan-syn-5 linux 6 scan -sS -T5 --top-ports 120 --ttl 128 --source-port 443 --data-length 7
record heldout scan-fin-3 linux 0 scan -sF -T4 -p 300-420 --source-port 20
record heldout scan-null-3 linux 0 scan -sN -T5 --top-ports 100 --ttl 99
record heldout scan-udp-4 linux 0 scan -sU -T5 --top-ports 50 --source-port 53
record heldout scan-v6-3 linux 0 scan6 -sS -T4 --top-ports 100
# Never in training: a type that shares no flag pattern with the trained ones, and
# one whose packets the scanner's own kernel makes, as for any other program.
record heldout scan-xmas-1 linux 0 scan -sX -T4 --top-ports 150
record heldout scan-xmas-2 linux 0 scan -sX -T4 -p 1-100 --ttl 64 --data-length 20
record heldout scan-connect-1 linux 0 scan -sT -T4 --top-ports 100
record heldout scan-connect-2 windows 5 scan -sT -T3 -p 1-80
