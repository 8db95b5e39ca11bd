set -eu
ip tuntap add t0 mode tun
ip link set t0 up
trap 'skxc detach -q -i t0 2> /dev/null || true' EXIT
skxc attach tree.bpf.o -i t0 2>&1
# Two UDP packets of 28 bytes in IPv4, of TTL 10 and 64, and one in IPv6, of hop limit 200.
perl -e '
	open F, q(+<), q(/dev/net/tun) or die;
	$request = pack(q(a16Sx22), q(t0), 0x1001);
	ioctl(F, 0x400454ca, $request) or die;
	for $ttl (10, 64) {
		syswrite(F, pack(q(H*), q(4500001c00010000) . sprintf(q(%02x), $ttl)
			. q(110000c0000201c0000202) . q(1111222200080000))) or die;
	}
	syswrite(F, pack(q(H*), q(60000000000811c8) . q(20010db8) x 8 . q(1111222200080000))) or die;
	# The kernel may send on the interface, which is nothing that comes in.
	sleep 1;
'
skxc status -i t0 --format csv | cut -d, -f1,2,3,4,5,6,7
