# After an attach that was killed at any time, status says what the kernel says.
. ./setup.sh
agrees() {
	code=0
	skxc status > shown 2>&1 || code=$?
	on=no listed=no
	if ip -d link show here | grep -q prog/xdp; then on=yes; fi
	if grep -q '^tree on here (native)' shown; then listed=yes; fi
	test $on = $listed || { echo "on the interface: $on, listed: $listed"; cat shown; }
	test $code = 0 || grep -q SKX0614 shown || cat shown
}
for round in 1 2 3 4 5 6 7 8; do
	skxc attach tree.bpf.o -i here -q > said 2>&1 & attach=$!
	# From the first pin on, a little later each time.
	until test -d /sys/fs/bpf/skxc || ! kill -0 $attach; do :; done
	for wait in $(seq $((round * 20))); do :; done
	kill -9 $attach 2> no-such-process || true
	wait $attach 2> killed || true
	agrees
	skxc detach -i here -q > said 2>&1 || true
done
# Pins without a link, as of an attach that was killed before it made one.
skxc attach tree.bpf.o -i here -q
rm /sys/fs/bpf/skxc/*/*:here/tree/link
agrees
skxc status || echo "exit code $?"
skxc attach tree.bpf.o -i here -q
agrees
skxc detach -i here
