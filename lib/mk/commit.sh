#!/bin/sh
# Writes the C file that says which commit a build is made from: lib/mk/commit.sh FILE.
#
# The commit is $COMMIT when that is set (a packager's build), else what git says when this is a working tree, else
# what `git archive` wrote into commit.txt, else "unknown". FILE is only touched when its text changes, so that a
# build without changes links nothing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
commit=${COMMIT:-}
# Only this project's own repository counts: a tarball may be unpacked inside another one.
if [ -z "$commit" ] && [ -e "$here/../../.git" ]; then
    commit=$(GIT_OPTIONAL_LOCKS=0 git -C "$here" describe --always --exclude='*' --abbrev=12 --dirty=-modified \
        2>/dev/null) || commit=
fi
[ -n "$commit" ] || commit=$(cut -c 1-12 "$here/commit.txt")
case $commit in *[!0-9a-z-]*) commit=unknown ;; esac
text="extern const char cmd_commit[];
const char cmd_commit[] = \"$commit\";"
[ "$text" = "$(cat "$1" 2>/dev/null)" ] || printf '%s\n' "$text" >"$1"
