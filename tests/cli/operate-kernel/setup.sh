# In namespaces of its own: a BPF file system that stays when it is unmounted from
# /sys/fs/bpf, a /run of its own, a pair of interfaces.
set -eu
umount /sys/fs/bpf
mkdir -p bpf
mount -t bpf bpf bpf
mount --bind bpf /sys/fs/bpf
mount -t tmpfs none /run
ip link add here type veth peer name there
exec 2>&1
ids() { sed 's/program [0-9][0-9]*/program ID/; s/namespace [0-9][0-9]*/namespace NS/'; }
