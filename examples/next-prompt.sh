#!/bin/sh
# Gives Codex one prompt after the other, each the moment the thread is idle: next-prompt.sh PROMPT...
set -eu
export CODEX_HOOK_TAG="queue-$$"
codex exec "$1" &
shift
for prompt in "$@"; do
    thread=$(hook wait --tag "$CODEX_HOOK_TAG" --for idle --wait-for-start | cut -d'"' -f4)
    wait # until codex exec has let go of the thread
    codex exec resume "$thread" "$prompt" &
done
wait
