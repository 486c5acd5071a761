#!/usr/bin/env bash
# Apply a Job, wait until it is complete or has failed, and show what it wrote.
#
#   ./run-job.sh job.yaml
#
# Ends with 0 when the Job is complete, with the exit code of its last try when it has failed (with
# 1 where no pod is left to tell it), and with 124 when the time was over and the Job still runs.
#
# MIGRATE_WAIT_SECONDS is that time: more than the Job's activeDeadlineSeconds.
# MIGRATE_POLL_SECONDS is how long it waits between two looks.
set -euo pipefail

limit_seconds=${MIGRATE_WAIT_SECONDS:-7500}
poll_seconds=${MIGRATE_POLL_SECONDS:-5}

say() { echo "run-job: $*" >&2; }

job=$(kubectl apply --filename "$1" --output name)
pods=(--selector "batch.kubernetes.io/job-name=${job#*/}")
true_conditions='jsonpath={.status.conditions[?(@.status=="True")].type}'
waiting_reasons='jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}'
exit_codes='jsonpath={.items[*].status.containerStatuses[?(@.name=="migrate")].state.terminated.exitCode}'

code=
before=
while [ -z "$code" ]; do
    # The API server may be away for a moment, which says nothing of the Job.
    conditions=$(kubectl get "$job" --output "$true_conditions") || conditions=
    case " $conditions " in
    *" Complete "*) code=0 ;;
    *" Failed "*)
        codes=$(kubectl get pods "${pods[@]}" --sort-by .metadata.creationTimestamp \
            --output "$exit_codes") || codes=
        code=${codes##* }
        # A pod that a sidecar has spoilt may have 0; the Job has failed all the same.
        if [ "${code:-0}" = 0 ]; then code=1; fi
        ;;
    *)
        if [ "$SECONDS" -ge "$limit_seconds" ]; then code=124; fi
        # A pod that cannot start writes no log.
        waiting=$(kubectl get pods "${pods[@]}" --output "$waiting_reasons") || waiting=
        if [ -n "$waiting" ] && [ "$waiting" != "$before" ]; then say "a pod waits: $waiting"; fi
        before=$waiting
        if [ -z "$code" ]; then sleep "$poll_seconds"; fi
        ;;
    esac
done

kubectl logs "${pods[@]}" --container migrate --tail -1 || say "there is no log"
case $code in
0) say "$job is complete" ;;
124) say "$job still runs after $limit_seconds s" ;;
*) say "$job has failed: exit code $code" ;;
esac
exit "$code"
