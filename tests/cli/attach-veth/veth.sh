# Other trials may have interfaces at the same time.
set -eu
here=skxa$$ there=skxb$$
shown() { sed "s/$here/HERE/g"; }
ip link add $here type veth peer name $there
for interface in $here $there; do ip link set $interface up; done
trap 'skxc detach -i $here > /dev/null 2>&1 || true' EXIT

skxc attach tree.bpf.o -i $here --shadow 2>&1 | shown
skxc attach tree.bpf.o -i $here 2> /dev/null && echo attached twice
# The kernel itself sends on a new link (neighbour discovery): not IPv4, but
# there is no knowing how much of it.
skxc status -i $here | shown | awk '{ print $1, $2 }' | grep -v cannot
skxc status -i $here --format csv | shown | cut -d, -f1-4 | head -n 4
skxc detach -i $here 2>&1 | shown
skxc status -i $here 2>&1 | shown

skxc attach tree.bpf.o -i $here --mode generic --action 1=drop,0=pass -q
skxc status -i $here --format csv | shown | cut -d, -f3,4 | head -n 3
skxc status -i $here --format json | grep '"mode"'
skxc detach -i $here -q
for left in /sys/fs/bpf/skxc/*/*:$here; do test ! -e "$left"; done
