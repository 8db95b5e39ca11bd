#!/usr/bin/env bash
# The example from the model to dropped packets; `make demo` calls this.
#
#   SKXC=path/to/skxc ./demo.sh [OUTPUT]         (default: demo-output, here)
#
# Everything happens in two network namespaces that this script makes and removes:
# nothing is attached to an interface of the machine. Without root, or where the
# kernel refuses, the steps that need it are left out with the reason and the exit
# code is 0; anything that goes wrong makes it 1.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=$(realpath -m "${1:-demo-output}")
skxc=$(realpath "$(command -v "${SKXC:-skxc}" || echo "${SKXC:-skxc}")")
mkdir -p "$out"
cd "$here" # skxc.toml is here, and names the program and the action

# --- telling ----------------------------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$(tput bold 2>/dev/null || true) plain=$(tput sgr0 2>/dev/null || true)
else
	bold='' plain=''
fi
step=0
heading() {
	step=$((step + 1))
	printf '\n%s%d. %s%s\n' "$bold" "$step" "$1" "$plain"
}
say() { printf '%s\n' "$@"; }
# show COMMAND...: print it as one would type it, then run it. What it says stays
# in order with what it prints, wherever the output of the demo goes.
show() {
	local words='' word
	for word; do
		[[ $word != *[[:space:]]* ]] || word="'$word'"
		words+=" $word"
	done
	words=${words# }
	words=${words//$skxc/skxc}
	words=${words//$out/${out##*/}}
	words=${words/"nsenter --net=/run/netns/$LAB_HOST "/}
	printf '$ %s\n' "${words#on_peer }"
	"$@" 2>&1
}
fail() {
	printf '\nFAILED: %s\n' "$1" >&2
	exit 1
}
# The rest needs what this machine does not give: that is no failure.
leave_out() {
	printf '\nThe rest is left out: %s\n' "$1"
	printf 'What was built is in %s\n' "$out"
	exit 0
}

# --- the laboratory ---------------------------------------------------------------

# shellcheck source=lab.sh
. "$here/lab.sh"
attached=
# `ip netns exec` would hide /sys/fs/bpf, where skxc pins what it attached.
on_host_bpf() { show nsenter --net="/run/netns/$LAB_HOST" "$@"; }
attach() {
	attached=yes
	on_host_bpf "$skxc" attach "$out/portscan.bpf.o" -i "$LAB_IF" "$@"
}
detach() {
	attached=
	on_host_bpf "$skxc" detach -i "$LAB_IF"
}
cleanup() {
	[ -z "$attached" ] || detach >/dev/null 2>&1 || true
	lab_down
	lab_remove_files
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# nmap's table of ports and its summary of the others, without its greetings.
ports_of_host() { # ports_of_host NMAP-OPTION...
	show on_peer nmap -n -Pn --disable-arp-ping -T4 --max-retries 1 -p 20-100 "$@" $HOST4 \
		>"$LAB_TMP/nmap"
	grep -E '^\$|^[0-9]+/|^PORT|^Not shown' "$LAB_TMP/nmap"
}

# --- the story --------------------------------------------------------------------

heading 'Compile the model'
show "$skxc" compile portscan.onnx -o "$out"
say '' "written to $out:"
(cd "$out" && find . -type f -name '*.[hoc]' -printf '%8s bytes  %P\n' | sort -k3)

heading 'Packets of the held-out recordings to rows, by the parser that runs in the kernel'
recordings=(captures/heldout/*.pcap)
# One file of them all: a pcap is a header of 24 bytes and then packets.
{
	head -c 24 "${recordings[0]}"
	for recording in "${recordings[@]}"; do tail -c +25 "$recording"; done
} >"$out/heldout.pcap"
show "$skxc" extract "$out/heldout.pcap" --only-classifiable -o "$out/heldout.csv"
say "$(($(wc -l <"$out/heldout.csv") - 1)) packets of ${#recordings[@]} recordings, none of them seen in training"

[ "$(id -u)" = 0 ] || leave_out 'it runs programs in the kernel, which needs root (sudo make demo)'

heading 'Check in the kernel that the program decides as the model does'
say 'On the rows, on the packets they came from, and on vectors made for the purpose;' \
	"scikit-learn's own answers are a witness."
status=0
show "$skxc" check portscan.onnx "$out/portscan.bpf.o" --input "$out/heldout.csv" \
	--expect heldout-expected.csv --capture "$out/heldout.pcap" || status=$?
case $status in
0) ;;
3) leave_out 'this machine does not let BPF programs run (see above, and `skxc doctor`)' ;;
*) fail "skxc check came back with exit code $status" ;;
esac

heading 'What the program in the kernel makes of recordings it has never seen'
show "$skxc" predict portscan.onnx --input "$out/heldout.csv" --engine kernel \
	--object "$out/portscan.bpf.o" -o "$out/decided.csv"
paste -d, "$out/decided.csv" heldout-expected.csv | awk -F, -f confusion.awk

missing=
for tool in curl dig dnsmasq ethtool ip nmap ping python3 sysctl; do
	command -v "$tool" >/dev/null || missing+=" $tool"
done
[ -z "$missing" ] || leave_out "the live part needs programs that are not installed:$missing"
{
	ip netns add "$LAB_HOST" &&
		ip -n "$LAB_HOST" link add probe0 type veth peer name probe1
} 2>/dev/null || leave_out 'this machine does not let root make namespaces and veth pairs'
ip netns delete "$LAB_HOST"

heading 'Replay the held-out packets through a network interface, in shadow mode'
say 'Shadow mode decides and counts, but passes everything: the way to begin.'
lab_up
lab_know_neighbours
attach --shadow
show on_peer python3 replay.py "$LAB_IF" "$out/heldout.pcap"
on_host_bpf "$skxc" status -i "$LAB_IF"
counted=$(nsenter --net="/run/netns/$LAB_HOST" "$skxc" status -i "$LAB_IF" --format csv |
	awk -F, '{ gsub(/"/, "") } $3 == "scan" { print $5 }')
decided=$(grep -c '^scan,' "$out/decided.csv")
[ "$counted" = "$decided" ] ||
	fail "on the interface $counted packets were scan, in step 4 $decided"
say "As many scan packets as in step 4: $decided."
detach

heading 'Before: what a port scan learns about the host'
lab_serve "$LAB_HOST"
ports_of_host -sS

heading 'Attach the program for real'
attach

heading 'Ordinary traffic passes'
show on_peer curl -sS --max-time 5 -o /dev/null \
	-w 'HTTP %{http_code}, %{size_download} bytes' http://$HOST4/50000 ||
	fail 'HTTP did not get through'
echo
show on_peer ping -q -c 10 -i 0.05 $HOST4 >"$LAB_TMP/ping" || fail 'ping did not get through'
grep -E '^\$|packets transmitted' "$LAB_TMP/ping"
show on_peer dig +short +tries=1 +time=2 @$HOST4 mail.example.com A | tee "$LAB_TMP/dig" ||
	fail 'DNS did not get through'
grep -qx 192.0.2.25 "$LAB_TMP/dig" || fail 'DNS did not get through'

heading 'Port scans find nothing; the Xmas scan was not in training'
ports_of_host -sS
! grep -q ' open ' "$LAB_TMP/nmap" || fail 'the SYN scan found an open port'
ports_of_host -sX
! grep -q ' closed ' "$LAB_TMP/nmap" || fail 'the Xmas scan got an answer'

heading 'What was dropped and what passed'
on_host_bpf "$skxc" status -i "$LAB_IF"

heading 'What this model cannot see: a scan by ordinary connections'
say "The scanner's kernel sends these packets, as it would for any program."
ports_of_host -sT

heading 'Detach'
detach
say '' "Done. What was built is in $out; examples/portscan/README.md tells the whole story."
