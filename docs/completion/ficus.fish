# SPDX-License-Identifier: Apache-2.0
# Completion of ficus and ficusd for fish. Written by `make docs` from the command table; do not edit.
# The words typed so far are exactly these, or begin with these.
function __ficus_next
    set -l typed (commandline -opc)
    set -e typed[1]
    test "$typed" = "$argv"
end
function __ficus_is
    set -l typed (commandline -opc)
    set -e typed[1]
    set -l n (count $argv)
    test (count $typed) -ge $n; and test "$typed[1..$n]" = "$argv"
end
complete -c ficus -f
complete -c ficusd -f
complete -c ficus -n __ficus_next -l version -d 'print version, commit and compiler'
complete -c ficus -f -n '__ficus_next' -a plan
complete -c ficus -f -n '__ficus_next plan' -a lint -d 'check a plan against its project file and report all problems'
complete -c ficus -n '__ficus_is plan lint' -F
complete -c ficus -f -n '__ficus_next plan' -a show -d 'list the steps with their gates and undos'
complete -c ficus -n '__ficus_is plan show' -F
complete -c ficus -f -n '__ficus_next plan' -a rollback -d 'print the way back as a plan of its own, with what each step costs now'
complete -c ficus -n '__ficus_is plan rollback' -l print -d 'print it (the default, and all that this command does)'
complete -c ficus -f -n '__ficus_next' -a run
complete -c ficus -f -n '__ficus_next run' -a start -d 'run a plan in the foreground'
complete -c ficus -n '__ficus_is run start' -F
complete -c ficus -n '__ficus_is run start' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -n '__ficus_is run start' -l plain -d 'print lines instead of the live picture'
complete -c ficus -f -n '__ficus_next run' -a resume -d 'continue a run that was interrupted, held or stuck (without RUN: the unfinished one)'
complete -c ficus -n '__ficus_is run resume' -l execute -d 'accepted but not needed: the run was started with it'
complete -c ficus -n '__ficus_is run resume' -l plain -d 'print lines instead of the live picture'
complete -c ficus -f -n '__ficus_next run' -a rollback -d 'undo all steps in reverse order; first prints what that costs'
complete -c ficus -n '__ficus_is run rollback' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -n '__ficus_is run rollback' -l plain -d 'print lines instead of the live picture'
complete -c ficus -f -n '__ficus_next run' -a adopt -d 'take a context over from a controller that is lost; first shows what it left'
complete -c ficus -n '__ficus_is run adopt' -l confirm -x -d 'the controller that holds the context: its first 8 digits or more, or nobody'
complete -c ficus -n '__ficus_is run adopt' -l execute -d 'execute; without it only show what the databases have'
complete -c ficus -f -n '__ficus_next run' -a status -d 'show the state of the run'
complete -c ficus -f -n '__ficus_next run' -a journal
complete -c ficus -f -n '__ficus_next run journal' -a show -d 'print the journal, one line per record'
complete -c ficus -n '__ficus_is run journal show' -l json -d 'print the records as JSON, one per line'
complete -c ficus -f -n '__ficus_next run journal' -a verify -d 'verify checksums, chain and order of the journal'\''s records'
complete -c ficus -n '__ficus_is run journal verify' -l anchor -x -d 'the journal must still have this record, which an earlier call printed'
complete -c ficus -f -n '__ficus_next' -a audit -d 'list the commands that changed something: who, where, when, result'
complete -c ficus -n '__ficus_is audit' -l json -d 'print the records as JSON, one per line'
complete -c ficus -n '__ficus_is audit' -l anchor -x -d 'the log must still have this record, which an earlier call printed'
complete -c ficus -f -n '__ficus_next' -a status -d 'show a run: steps, rates, lag, held requests, fall-back'
complete -c ficus -n '__ficus_is status' -s w -l watch -d 'keep showing it until Ctrl-C'
complete -c ficus -n '__ficus_is status' -l until-end -d 'with --watch: exit when the run has ended'
complete -c ficus -n '__ficus_is status' -l every -x -d 'with --watch: refresh interval'
complete -c ficus -f -n '__ficus_next' -a upgrade -d 'show the versions of everything stored, and upgrade the schema in the databases'
complete -c ficus -n '__ficus_is upgrade' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next' -a cutover
complete -c ficus -f -n '__ficus_next cutover' -a rehearse -d 'run the whole cut-over and fall-back on a canary table and measure it'
complete -c ficus -n '__ficus_is cutover rehearse' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cutover rehearse' -l fence-ttl -x -d 'the fence expires after this and its side accepts writes again'
complete -c ficus -n '__ficus_is cutover rehearse' -l hold -x -d 'longest time a facade holds a write'
complete -c ficus -n '__ficus_is cutover rehearse' -l drain -x -d 'longest wait for writes in flight'
complete -c ficus -n '__ficus_is cutover rehearse' -l execute -d 'execute; without it only the preflight checks run'
complete -c ficus -n '__ficus_is cutover rehearse' -l rounds -x -d 'cut over and fall back N times'
complete -c ficus -f -n '__ficus_next cutover' -a start -d 'move the writes of a context to its new side'
complete -c ficus -n '__ficus_is cutover start' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cutover start' -l fence-ttl -x -d 'the fence expires after this and its side accepts writes again'
complete -c ficus -n '__ficus_is cutover start' -l hold -x -d 'longest time a facade holds a write'
complete -c ficus -n '__ficus_is cutover start' -l drain -x -d 'longest wait for writes in flight'
complete -c ficus -n '__ficus_is cutover start' -l execute -d 'execute; without it only the preflight checks run'
complete -c ficus -n '__ficus_is cutover start' -l confirm -x -d 'the context'\''s name, required with --execute'
complete -c ficus -f -n '__ficus_next cutover' -a fallback -d 'move the writes of a context back to its old side'
complete -c ficus -n '__ficus_is cutover fallback' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cutover fallback' -l fence-ttl -x -d 'the fence expires after this and its side accepts writes again'
complete -c ficus -n '__ficus_is cutover fallback' -l hold -x -d 'longest time a facade holds a write'
complete -c ficus -n '__ficus_is cutover fallback' -l drain -x -d 'longest wait for writes in flight'
complete -c ficus -n '__ficus_is cutover fallback' -l execute -d 'execute; without it only the preflight checks run'
complete -c ficus -n '__ficus_is cutover fallback' -l confirm -x -d 'the context'\''s name, required with --execute'
complete -c ficus -f -n '__ficus_next' -a reconcile
complete -c ficus -f -n '__ficus_next reconcile' -a run -d 'compare both sides of a context exactly, while applications write'
complete -c ficus -n '__ficus_is reconcile run' -s c -l context -x -d 'the context to compare (needed when there are several)'
complete -c ficus -n '__ficus_is reconcile run' -s o -l report -x -a '(__fish_complete_directories)' -d 'write report.json and report.txt there'
complete -c ficus -n '__ficus_is reconcile run' -l sign-with -r -F -d 'private key that signs the report (default: reconcile.sign_with)'
complete -c ficus -n '__ficus_is reconcile run' -l gate -d 'judge the result as `reconcile gate` does; the exit status is the gate'\''s'
complete -c ficus -n '__ficus_is reconcile run' -l divergent -x -d 'with --gate: at most N rows may differ (default: 0)'
complete -c ficus -n '__ficus_is reconcile run' -l coverage -x -d 'with --gate: at least this share of the tables was compared (default: 100%)'
complete -c ficus -n '__ficus_is reconcile run' -l exit-zero -d 'exit 0 also when rows differ: `reconcile gate` judges the report later'
complete -c ficus -n '__ficus_is reconcile run' -s j -l json -d 'print the report as JSON'
complete -c ficus -n '__ficus_is reconcile run' -s q -l quiet -d 'print nothing but errors'
complete -c ficus -f -n '__ficus_next reconcile' -a gate -d 'check a report against limits, for CI'
complete -c ficus -n '__ficus_is reconcile gate' -F
complete -c ficus -n '__ficus_is reconcile gate' -s k -l key -r -F -d 'public key whose reports are believed; may be given several times'
complete -c ficus -n '__ficus_is reconcile gate' -l unsigned -d 'believe reports that are not signed, too'
complete -c ficus -n '__ficus_is reconcile gate' -s c -l context -x -d 'the report is about this context (default: the only one of the project file)'
complete -c ficus -n '__ficus_is reconcile gate' -l mapping -x -d 'the report was made with this mapping (default: that of the project file)'
complete -c ficus -n '__ficus_is reconcile gate' -l divergent -x -d 'at most N rows may differ'
complete -c ficus -n '__ficus_is reconcile gate' -l coverage -x -d 'at least this share of the context'\''s tables was compared'
complete -c ficus -n '__ficus_is reconcile gate' -l max-age -x -d 'both sides were read at most this long ago (default: any age)'
complete -c ficus -f -n '__ficus_next reconcile' -a key
complete -c ficus -f -n '__ficus_next reconcile key' -a new -d 'make a pair of keys for signed reports'
complete -c ficus -n '__ficus_is reconcile key new' -F
complete -c ficus -f -n '__ficus_next reconcile key' -a show -d 'print the fingerprint of a key, as reports name it'
complete -c ficus -n '__ficus_is reconcile key show' -F
complete -c ficus -f -n '__ficus_next' -a route
complete -c ficus -f -n '__ficus_next route' -a list -d 'routes of the running facade: owner, weight, shadow, requests, errors'
complete -c ficus -f -n '__ficus_next route' -a explain -d 'which route takes a request, and where it goes now'
complete -c ficus -n '__ficus_is route explain' -l key -x -d 'value of the header or cookie that is the user'\''s key: shows which side this user gets'
complete -c ficus -f -n '__ficus_next route' -a set -d 'set a route'\''s weight or shadow by hand'
complete -c ficus -n '__ficus_is route set' -l weight -x -d 'percentage of reads that go to the new side, for example 10%'
complete -c ficus -n '__ficus_is route set' -l shadow -x -d 'percentage of reads that are shadowed, for example 100%'
complete -c ficus -n '__ficus_is route set' -l recheck -x -d 'ask both sides again after this time before a difference counts'
complete -c ficus -n '__ficus_is route set' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next route' -a hold -d 'hold the writes of a group until they are released or a deadline passes'
complete -c ficus -n '__ficus_is route hold' -l for -x -d 'release the writes after this time at the latest'
complete -c ficus -n '__ficus_is route hold' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next route' -a release -d 'send the held writes of a group to its owner'
complete -c ficus -n '__ficus_is route release' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next route' -a epoch -d 'tell the facade a group'\''s epoch (or that of the controller), when it knows a wrong one'
complete -c ficus -n '__ficus_is route epoch' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next route' -a sync -d 'tell the facade which side owns each context, as both databases say'
complete -c ficus -n '__ficus_is route sync' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next' -a help -d 'list the commands'
complete -c ficus -n '__ficus_is help' -l page -x -d 'print a page of docs/ that is generated from the program'\''s tables: man/ficus.1'
complete -c ficus -f -n '__ficus_next' -a version -d 'print version, commit and compiler'
complete -c ficus -f -n '__ficus_next' -a explain -d 'say what an error code, SQLSTATE or MySQL error number means, and what to do'
complete -c ficus -f -n '__ficus_next' -a cdc
complete -c ficus -f -n '__ficus_next cdc' -a start -d 'install what both streams of a context need, and start them'
complete -c ficus -n '__ficus_is cdc start' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cdc start' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -n '__ficus_is cdc start' -l accept-ddl -x -d 'pass DDL that stopped a stream and changed no row: the table or GTID that the error names'
complete -c ficus -n '__ficus_is cdc start' -l quick -d 'do not scan the source for values that do not fit'
complete -c ficus -f -n '__ficus_next cdc' -a status -d 'show phase, position and lag of both streams'
complete -c ficus -n '__ficus_is cdc status' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cdc status' -l json -d 'print JSON'
complete -c ficus -f -n '__ficus_next cdc' -a stop -d 'stop both streams at a transaction boundary; nothing is removed'
complete -c ficus -n '__ficus_is cdc stop' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cdc stop' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -f -n '__ficus_next cdc' -a drop -d 'stop both streams and remove their slot, publication and progress; data stays'
complete -c ficus -n '__ficus_is cdc drop' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cdc drop' -l execute -d 'execute; without it only print what would be done'
complete -c ficus -n '__ficus_is cdc drop' -l confirm -x -d 'the name of the context, as confirmation'
complete -c ficus -f -n '__ficus_next cdc' -a preflight -d 'check everything that would stop a stream, and print the statements that fix it'
complete -c ficus -n '__ficus_is cdc preflight' -s c -l context -x -d 'the context of ficus.yaml (needed when there are several)'
complete -c ficus -n '__ficus_is cdc preflight' -l quick -d 'do not scan the source for values that do not fit'
complete -c ficus -n 'not __ficus_next' -s f -l project -r -F -d 'the project file'
complete -c ficus -n 'not __ficus_next' -l log -x -d 'log levels, for example warn or all=info,cdc=debug'
complete -c ficus -n 'not __ficus_next' -l no-color -d 'print without colours (also: NO_COLOR)'
complete -c ficus -n 'not __ficus_next' -s h -l help -d 'explain the command'
complete -c ficusd -s f -l config -r -F -d 'project file'
complete -c ficusd -l check -d 'check the configuration, report its problems and exit'
complete -c ficusd -l log -x -d 'for example all=info,strangler=debug'
complete -c ficusd -l version -d 'print version, commit and compiler'
complete -c ficusd -s h -l help -d 'show this help'
