#!/bin/sh
# Installs the Debian packages that are missing, and nothing else.
#
#   lib/mk/deps.sh [--dev] [--bench]   install what packages.txt (packages-dev.txt, packages-bench.txt) names
#   lib/mk/deps.sh --check             say what is missing; exit 1 if anything is
#
# The database packages would start system services. A policy-rc.d that says "no" stands only for the
# time of the installation and is removed again; one that was there before is left as it was.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
lists="$here/packages.txt"
only_check=0
for arg in "$@"; do
    case "$arg" in
    --dev) lists="$lists $here/packages-dev.txt" ;;
    --bench) lists="$lists $here/packages-bench.txt" ;;
    --check) only_check=1 ;;
    *) echo "usage: deps.sh [--dev] [--bench] [--check]" >&2; exit 2 ;;
    esac
done

missing=
for p in $(sed -e 's/#.*//' $lists | awk 'NF { print $1 }'); do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $p"
done
[ -n "$missing" ] || exit 0
if [ "$only_check" = 1 ]; then
    echo "missing packages:$missing" >&2
    exit 1
fi

sudo=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "deps.sh: these packages are missing:$missing" >&2
        echo "  hint: install them as root: apt-get install --no-install-recommends$missing" >&2
        exit 1
    }
    sudo=sudo
fi
echo "installing:$missing" >&2
policy=/usr/sbin/policy-rc.d
ours=0
cleanup() { if [ "$ours" = 1 ]; then $sudo rm -f "$policy"; fi; }
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ ! -e "$policy" ]; then
    ours=1
    printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" >/dev/null
    $sudo chmod 755 "$policy"
fi
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold"
# A stale package list is the common failure on a fresh machine: refresh first, quietly.
$apt update >/dev/null
$apt install -y --no-install-recommends $missing >/dev/null
