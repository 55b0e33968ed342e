#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which build is this: both programs name version, commit and compiler; the commit comes from git, from the archive, or
# from whoever packages; a build without changes writes nothing again.
# seconds: 1
. "$(dirname "$0")/../harness/servers.sh"
fx_tmp
same "the daemon and the tool are one build" "$("$FICUS" --version | tail -n +2)" "$("$FICUSD" --version | tail -n +2)"
same "the command says the same as the option" "$("$FICUS" --version)" "$("$FICUS" version)"
same "the first line is the program and its version" "ficus ficusd" \
    "$("$FICUS" --version | sed -nE '1s/^(ficus) [0-9]+\.[0-9]+\.[0-9]+$/\1/p') $("$FICUSD" --version | sed -nE '1s/^(ficusd) [0-9]+\.[0-9]+\.[0-9]+$/\1/p')"
for row in commit compiler forms; do
    check "$row is named" grep -qE "^$row +[^ ]" <("$FICUS" --version)
done

# The script alone, in a tree of its own.
tree=$FX_DIR/tree
mkdir -p "$tree/lib/mk"
cp "$FX_ROOT/lib/mk/commit.sh" "$FX_ROOT/lib/mk/commit.txt" "$FX_ROOT/lib/mk/.gitattributes" "$tree/lib/mk/"
commit_of() { # TREE [ENVIRONMENT…]
    rm -f "$FX_DIR/commit.c"
    env "${@:2}" "$1/lib/mk/commit.sh" "$FX_DIR/commit.c" && sed -n 's/.*= "\(.*\)";$/\1/p' "$FX_DIR/commit.c"
}
git_in() { git -C "$tree" -c user.name=ficus -c user.email=ficus@localhost "$@"; }
same "without git and archive the commit is unknown" unknown "$(commit_of "$tree" -u COMMIT)"
same "who packages may say it" 0123abcd "$(commit_of "$tree" COMMIT=0123abcd)"
same "what is no commit does not get into the program" unknown "$(commit_of "$tree" 'COMMIT="; boom')"
if command -v git >/dev/null; then
    # The repository that a tarball is unpacked in is not ours.
    git init -q "$FX_DIR" && git -C "$FX_DIR" -c user.name=ficus -c user.email=ficus@localhost commit -q --allow-empty -m outer
    same "the commit of a repository further up is not ours" unknown "$(commit_of "$tree" -u COMMIT)"
    git init -q "$tree" && git_in add -A && git_in commit -q -m one
    head=$(git_in rev-parse HEAD)
    same "in a repository git says it" "${head:0:12}" "$(commit_of "$tree" -u COMMIT)"
    echo "# changed" >>"$tree/lib/mk/commit.sh"
    same "and that something was changed" "${head:0:12}-modified" "$(commit_of "$tree" -u COMMIT)"
    git_in checkout -q lib/mk/commit.sh
    mkdir "$FX_DIR/archive" && git_in archive HEAD | tar -x -C "$FX_DIR/archive"
    same "an archive carries its commit" "${head:0:12}" "$(commit_of "$FX_DIR/archive" -u COMMIT)"
    touch -d '2 hours ago' "$FX_DIR/commit.c"
    before=$(stat -c %Y "$FX_DIR/commit.c")
    env -u COMMIT "$FX_DIR/archive/lib/mk/commit.sh" "$FX_DIR/commit.c"
    same "the same commit is not written again" "$before" "$(stat -c %Y "$FX_DIR/commit.c")"
else
    skip "the commit of a repository: git is not installed"
fi
fx_done
