. ./setup.sh
skxc attach tree.bpf.o -i here --shadow -q

echo '-- the BPF file system is not mounted'
umount /sys/fs/bpf
skxc status || echo "exit code $?"
skxc detach -i here 2>&1 | ids
skxc detach -i lo || echo "exit code $?"

echo '-- the BPF file system is read-only'
mount --bind bpf /sys/fs/bpf
mount -o remount,bind,ro /sys/fs/bpf
skxc status --format csv | head -n 2
skxc detach -i here 2>&1 | ids
skxc status --format csv | head -n 2
umount /sys/fs/bpf
mount --bind bpf /sys/fs/bpf

echo '-- moved to another network namespace'
ip netns add other
ip link set here netns other
nsenter --net=/run/netns/other ip link set here name moved
# Its name is unknown here; the one that it had is known.
skxc status -i moved || echo "exit code $?"
skxc detach -i moved || echo "exit code $?"
skxc status -i here | head -n 1
skxc status | head -n 1
other() { nsenter --net=/run/netns/other skxc "$@"; }
other status 2>&1 | ids
index=$(ip netns exec other cat /sys/class/net/moved/ifindex)
other status -i $index | head -n 1 | ids

echo '-- ip netns exec'
ip netns exec other skxc status -i moved || echo "exit code $?"
ip netns exec other skxc detach -i moved 2>&1 | ids
ip netns exec other skxc attach tree.bpf.o -i moved || echo "exit code $?"
other detach -i moved
other detach -i moved || echo "exit code $?"
test ! -e /sys/fs/bpf/skxc
ip netns exec other sh -c 'mount -t bpf bpf /sys/fs/bpf && skxc attach tree.bpf.o -i moved'
other status
ip netns del other
