set -e
# Another namespace behind a pair of interfaces; both go with the processes.
unshare --net sleep 60 &
peer=$!
trap 'skxc detach -q -i near$$ 2>/dev/null; kill $peer' EXIT
while [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/$$/ns/net)" ]; do sleep 0.05; done
ip link add near$$ type veth peer name far netns $peer
ip addr add 10.99.0.1/24 dev near$$
ip link set near$$ up
nsenter --net=/proc/$peer/ns/net sh -c 'ip addr add 10.99.0.2/24 dev far && ip link set far up'

# Whether the neighbour is found anew: its answer is ARP.
reach() {
	ip neigh flush dev near$$
	bash -c 'echo > /dev/udp/10.99.0.2/9'
	for try in $(seq "$1"); do
		ip neigh show 10.99.0.2 dev near$$ | grep -q lladdr && echo "reached" && return
		sleep 0.1
	done
	echo "not reached"
}

skxc attach tree.bpf.o -i near$$ --mode generic 2>&1 | sed "s/near$$/near/g"
reach 50
skxc status -i near$$ | grep -o 'cannot classify: not-ip *[a-z]*' | tr -s ' '
skxc status -i near$$ --format csv | grep -o 'cannot classify: tcp-cut,[a-z]*'
skxc detach -q -i near$$
skxc attach tree.bpf.o -i near$$ --mode generic --fallback not-ip=drop 2>&1 | sed "s/near$$/near/g" | tail -n 1
reach 10
