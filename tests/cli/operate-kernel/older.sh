# Earlier versions left the index out of the name of the directory of pins.
. ./setup.sh
skxc attach tree.bpf.o -i here -q
pins=$(echo /sys/fs/bpf/skxc/*)
mv "$pins"/*:here "$pins/here"
skxc status
skxc attach tree.bpf.o -i here || echo "exit code $?"
ip link set here name new
skxc status | head -n 1
skxc detach -i new
skxc attach tree.bpf.o -i new -q
skxc detach -i new
test ! -e /sys/fs/bpf/skxc
