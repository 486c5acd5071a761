#!/usr/bin/env bash
# Run the pending migrations, before the new release is started.
#
#   SAFEMIGRATE_URL=postgresql://… ./deploy.sh [REV] [OPTIONS OF safemigrate upgrade]
#
# Ends with the exit code of the last try:
#
#   0  done, or there was nothing to do: start the new release
#   1  refused, or failed and rolled back: keep the old release, look at the revision
#   2  the command line, env.py or the connection is wrong: keep the old release, look at the set-up
#   3  still waiting after the last try, nothing was changed: keep the old release, run it again
#   4  stopped part-way, also in the last try: keep the old release; where a revision failed, put its
#      cause right first; the same command goes on from there
#
# MIGRATE_ATTEMPTS and MIGRATE_PAUSE_SECONDS say how often it is tried, and how long it waits between.
set -euo pipefail

attempts=${MIGRATE_ATTEMPTS:-5}
pause_seconds=${MIGRATE_PAUSE_SECONDS:-30}
code=0
child=
stopped=

# What says which database it is, and so is for `safemigrate status` too.
place=()
# Whether there are several: `safemigrate status` tells of one.
are_several=
arguments=("$@")
for ((i = 0; i < $#; i++)); do
    case ${arguments[i]} in
    --) break ;;
    -c | --config | --url | --in-schema | -x)
        place+=("${arguments[@]:i:2}")
        i=$((i + 1))
        ;;
    -c?* | -x?* | --config=* | --url=* | --in-schema=*) place+=("${arguments[i]}") ;;
    --target | --targets | --schemas-from | --target=* | --targets=* | --schemas-from=*)
        are_several=yes
        ;;
    esac
done

say() { echo "deploy: $*" >&2; }

# Whoever stops this script means the migration.
stop() {
    stopped=yes
    if [ -n "$child" ]; then kill -TERM "$child" 2>/dev/null || true; fi
}
trap stop TERM INT

# Run a command, and set `code` to what it ends with, also when a signal comes meanwhile.
run() {
    local again=0
    code=0
    "$@" &
    child=$!
    if [ -n "$stopped" ]; then stop; fi
    wait "$child" || code=$?
    if [ -n "$stopped" ]; then
        # The signal has cut the waiting short, unless the command had just ended: 127.
        wait "$child" || again=$?
        if [ "$again" != 127 ]; then code=$again; fi
    fi
    child=
}

for ((attempt = 1; ; attempt++)); do
    run safemigrate upgrade "$@"
    last=$code
    is_last=
    if [ -n "$stopped" ] || [ "$attempt" -ge "$attempts" ]; then is_last=yes; fi
    case $last in
    3) say "try $attempt of $attempts gave up waiting, nothing was changed" ;;
    4)
        next="the next one goes on from there"
        if [ -n "$is_last" ]; then next="what is done is kept"; fi
        say "try $attempt of $attempts stopped part-way; $next"
        if [ -z "$are_several" ]; then
            safemigrate status ${place[@]+"${place[@]}"} >&2 || true
        fi
        ;;
    *) exit "$last" ;;
    esac
    if [ -n "$is_last" ]; then exit "$last"; fi
    run sleep "$pause_seconds"
    if [ -n "$stopped" ]; then exit "$last"; fi
done
