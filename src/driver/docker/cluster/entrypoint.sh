#!/bin/sh
# Makes a container what k3s expects of a machine, and then becomes k3s: as the first process it moves itself out of the root
# control group and buries the processes that lost their parents, which it leaves to others where there is one before it.

# What one pod mounts has to be seen by others.
mount --make-rshared / 2>/dev/null || echo "atlas: mounts are not shared, which some storage drivers need"

# The engine's own name server listens on a loopback address, where no pod reaches it. The gateway's address leads there instead.
loopback=127.0.0.11
if [ -n "${ATLAS_GATEWAY:-}" ] && command -v iptables-save >/dev/null && command -v iptables >/dev/null; then
    for protocol in udp tcp; do
        listens=$(iptables-save -t nat 2>/dev/null |
            sed -n "s/^-A DOCKER_OUTPUT .*-p $protocol .*--to-destination \($loopback:[0-9]*\)\$/\1/p")
        [ -n "$listens" ] || continue
        for chain in OUTPUT PREROUTING; do
            iptables -t nat -A "$chain" -d "$ATLAS_GATEWAY" -p "$protocol" --dport 53 -j DNAT --to-destination "$listens"
        done
        answers=$ATLAS_GATEWAY
    done
    if [ -n "${answers:-}" ]; then
        echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
        names=$(sed "s/$loopback/$answers/g" /etc/resolv.conf)
        # The file is mounted, so it is filled and not replaced.
        printf '%s\n' "$names" >/etc/resolv.conf
    fi
fi

# A node tells Kubernetes that it has as much memory as it may use. It reads that of the machine otherwise, and where the machine has
# ECC memory from there.
if [ -f /etc/rancher/atlas-meminfo ]; then
    mount --bind /etc/rancher/atlas-meminfo /proc/meminfo ||
        echo "atlas: the memory that this node tells Kubernetes of is the machine's, and its limit counts all the same"
    if [ -d /sys/devices/system/edac ]; then
        mount -t tmpfs tmpfs /sys/devices/system/edac || true
    fi
fi

exec "$@"
