# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2207,SC2086
# Completion of ficus and ficusd for bash. Written by `make docs` from the command table; do not edit.
# A line is COMMAND|WORDS|OPTIONS; f is a file, d a directory, t other text.
_ficus_table='ficus plan lint|f| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus plan show|f| -f=f --project=f --log=t --no-color --show-values -h --help
ficus plan rollback|t| --print -f=f --project=f --log=t --no-color --show-values -h --help
ficus run start|f| --execute --plain --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus run resume|t| --execute --plain -f=f --project=f --log=t --no-color --show-values -h --help
ficus run rollback|t| --execute --plain -f=f --project=f --log=t --no-color --show-values -h --help
ficus run adopt|t| --confirm=t --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus run list|| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus run status|t| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus run journal show|t| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus run journal verify|t| --anchor=t --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus audit|| --json --anchor=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus status|t| -w --watch --until-end --json --every=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus upgrade|| --execute --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus cutover rehearse|| -c=t --context=t --fence-ttl=t --hold=t --drain=t --drain-before=t --drain-wait=t --json --execute --rounds=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus cutover start|| -c=t --context=t --fence-ttl=t --hold=t --drain=t --drain-before=t --drain-wait=t --json --execute --confirm=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus cutover fallback|| -c=t --context=t --fence-ttl=t --hold=t --drain=t --drain-before=t --drain-wait=t --json --execute --confirm=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus reconcile run|| -c=t --context=t -o=d --report=d --sign-with=f --gate --divergent=t --coverage=t --exit-zero -j --json -q --quiet -f=f --project=f --log=t --no-color --show-values -h --help
ficus reconcile gate|f| -k=f --key=f --unsigned -c=t --context=t --mapping=t --databases=t --divergent=t --coverage=t --max-age=t --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus reconcile key new|f| -f=f --project=f --log=t --no-color --show-values -h --help
ficus reconcile key show|f| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus route list|| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus route explain|t| --key=t --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus route set|t| --weight=t --shadow=t --recheck=t --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus route hold|t| --for=t --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus route release|t| --force --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus route epoch|t| --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus route sync|t| --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus help|t| --page=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus version|| --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus explain|t| -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc start|| -c=t --context=t --execute --accept-ddl=t --empty-target --confirm=t --quick -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc status|| -c=t --context=t --json -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc stop|| -c=t --context=t --execute -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc drop|| -c=t --context=t --execute --confirm=t -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc release|| -c=t --context=t --execute --json --force -f=f --project=f --log=t --no-color --show-values -h --help
ficus cdc preflight|| -c=t --context=t --json --quick -f=f --project=f --log=t --no-color --show-values -h --help
ficusd|| -f=f --config=f --check --log=t --version -h --help'
_ficus() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local typed=${1##*/} i line name words options= found= next= kind= o
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in -*) break ;; esac
        typed+=" ${COMP_WORDS[i]}"
    done
    while IFS= read -r line; do
        name=${line%%|*}
        line=${line#*|}
        case "$typed " in
        "$name "*) found=$name words=${line%%|*} options=${line#*|} ;;
        *)
            [[ $name == "$typed "* ]] || continue
            o=${name#"$typed "} o=${o%% *}
            [[ " $next " == *" $o "* ]] || next+=" $o"
            ;;
        esac
    done <<<"$_ficus_table"
    if [ -z "$found" ]; then
        [ "$COMP_CWORD" != 1 ] || next+=' --help --version'
        COMPREPLY=($(compgen -W "$next" -- "$cur"))
        return
    fi
    # bash hands on --name=value as three words
    if [ "$cur" = = ]; then
        cur=
    elif [ "$prev" = = ]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    kind=${words:-n}
    for o in $options; do
        case $o in "$prev="?) kind=${o#"$prev="} ;; esac
    done
    case $cur,$kind in
    -*) COMPREPLY=($(compgen -W "$(printf '%s\n' $options | sed 's/=.$//')" -- "$cur")) ;;
    *,f) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    *,d) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    *,n) COMPREPLY=($(compgen -W "$(printf '%s\n' $options | sed 's/=.$//')" -- "$cur")) ;;
    *) COMPREPLY=() ;;
    esac
}
complete -F _ficus ficus ficusd
