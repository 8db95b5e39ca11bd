# skxc on a fresh machine:
#
#   make demo    build skxc, then run examples/portscan: from model to dropped packets
#   make test    everything that must pass before a change is taken
#   make setup   only install what building and testing need
#
# Packages are installed where apt-get is there and the caller is root; otherwise
# what is missing is listed. Rust comes from https://rustup.rs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.PHONY: help setup setup-demo setup-bpf build demo test

# ip and dnsmasq live where an ordinary user's PATH does not look, and cargo where a
# shell that is older than Rust's installation does not.
export PATH := $(PATH):/usr/sbin:/sbin:$(HOME)/.cargo/bin

# THING=PACKAGE: the package is wanted if the command or file is not there. gcc,
# libelf and zlib are for libbpf, which libbpf-sys brings as source; the kernel's
# user API headers are for BPF C; ip is for the tests that attach to a veth; g++ is
# for libFuzzer.
BUILD_NEEDS := \
	gcc=gcc \
	/usr/include/stdio.h=libc6-dev \
	/usr/include/linux/bpf.h=linux-libc-dev \
	/usr/include/libelf.h=libelf-dev \
	/usr/include/zlib.h=zlib1g-dev \
	g++=g++ \
	pkg-config=pkg-config \
	ip=iproute2

# None of these starts a service on being installed: hence DNS by dnsmasq-base and
# HTTP by Python. nginx and openssh-server would, on a machine that had none, so
# they are not installed from here; recording anew (record.sh) wants sshd.
DEMO_NEEDS := \
	curl=curl \
	dig=bind9-dnsutils \
	dnsmasq=dnsmasq-base \
	ethtool=ethtool \
	ip=iproute2 \
	nmap=nmap \
	ping=iputils-ping \
	python3=python3 \
	sysctl=procps

help:
	@sed -n '3,5s/^# *//p' Makefile

# Building cannot go on without these, so here a missing package is an error.
setup:
	@$(install_functions)
	missing=$$(missing_packages $(BUILD_NEEDS))
	has_clang || missing="$$missing $$(clang_package)"
	install_packages $$missing
	command -v cargo >/dev/null || {
		echo "cargo is not installed: get Rust from https://rustup.rs" >&2
		exit 1
	}

# The demo says itself what it leaves out, so here a missing package is a warning.
setup-demo:
	@$(install_functions)
	install_packages $$(missing_packages $(DEMO_NEEDS)) || true

# systemd mounts the file system of pins; a container or a bare init may not.
setup-bpf:
	@[ "$$(id -u)" != 0 ] || grep -q ' /sys/fs/bpf bpf ' /proc/mounts ||
		mount -t bpf bpf /sys/fs/bpf ||
		echo "no BPF file system at /sys/fs/bpf: programs cannot be attached" >&2

build: setup
	cargo build --release --package skxc

demo: build setup-demo setup-bpf
	@SKXC=$(or $(CARGO_TARGET_DIR),target)/release/skxc examples/portscan/demo.sh demo-output

test: setup setup-bpf
	@set -x
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --all-features -- -D warnings
	cargo xtask tidy
	cargo xtask codegen --check
	cargo test --workspace --all-features
	cargo xtask fuzz

define install_functions
missing_packages() {
	local need
	for need; do
		[ -e "$${need%%=*}" ] || command -v "$${need%%=*}" >/dev/null || echo "$${need#*=}"
	done
}
has_clang() {
	local clang version
	for clang in "$${SKXC_CLANG:-clang-19}" clang clang-{14..24}; do
		version=$$("$$clang" -dumpversion 2>/dev/null) || continue
		[ "$${version%%.*}" -ge 14 ] && return
	done
	return 1
}
# clang-19 is in Debian 12 and Ubuntu 24.04; elsewhere the release's own will do.
clang_package() {
	fetch_lists >&2
	if apt-cache show clang-19 >/dev/null 2>&1; then echo clang-19; else echo clang; fi
}
can_install() { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; }
fetch_lists() {
	can_install || return 0
	compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null || apt-get -q update </dev/null
}
install_packages() {
	[ $$# -gt 0 ] || return 0
	if ! can_install; then
		echo "to be installed by hand (apt-get install, as root): $$*" >&2
		return 1
	fi
	echo "installing $$*"
	fetch_lists
	local install=(apt-get -q install -y --no-install-recommends "$$@")
	export DEBIAN_FRONTEND=noninteractive
	# Lists that are old name versions that are gone: fetch new ones, try again.
	"$${install[@]}" </dev/null || { apt-get -q update </dev/null && "$${install[@]}" </dev/null; }
}
endef
