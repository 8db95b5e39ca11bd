# In namespaces of its own, with a BPF file system and a /run of its own.
set -eu
mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs none /run
ip link add old type veth peer name peer
skxc attach tree.bpf.o -i old -q
ip link set old name new
skxc status -i new --format csv | cut -d, -f1,2 | sort -u
skxc status -i old 2>&1 || echo "exit code $?"

echo '-- moved to another namespace'
sleep infinity & there=$!
trap 'kill $there' EXIT
nsenter --target $$ --net true
unshare --net sh -c 'echo ready; exec sleep infinity' > ready & other=$!
trap 'kill $there $other' EXIT
until test -s ready; do :; done
ip link set new netns $other
skxc status --format csv | cut -d, -f1,2 | sort -u
skxc status | grep -o 'in another network namespace'
nsenter --target $other --net ip link set new netns $$
skxc status --format csv | cut -d, -f1,2 | sort -u

echo '-- two detaches at once'
# Both wait for the lock before either looks.
flock -o /sys/fs/bpf sh -c '
for one in 1 2; do
	(skxc detach -i new > said.$one 2>&1; echo $? > code.$one) &
done
until test "$(grep -c -- "-> FLOCK" /proc/locks)" -ge 2; do :; done
'
until test -s code.1 && test -s code.2; do :; done
sort code.1 code.2
sort said.1 said.2

echo '-- pins elsewhere'
skxc attach tree.bpf.o -i new -q
mount -t bpf bpf /sys/fs/bpf
skxc status 2>&1 || echo "exit code $?"
skxc detach -i new 2>&1
skxc status 2>&1
umount /sys/fs/bpf
skxc detach -i new 2>&1
