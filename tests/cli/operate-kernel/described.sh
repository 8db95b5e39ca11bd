# Labels, actions and shadow mode are those that the program runs with.
. ./setup.sh
skxc attach tree.bpf.o -i here --shadow --action 0=drop --fallback tcp-cut=tx -q
# No file says anything of it.
mv tree.json elsewhere.json; rm -rf /run/skxc
skxc status
skxc status --format json | sed 's/"\(program_id\|build_id\)":.*/"\1": .../' | head -n 30
skxc status --format csv | grep 'tcp-cut\|not-ip'
skxc detach -i here
mv elsewhere.json tree.json
