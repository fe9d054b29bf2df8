#!/bin/sh
# Gives Codex one prompt after the other, each the moment the thread is idle: next-prompt.sh PROMPT...
set -eu
export CODEX_HOOK_TAG="queue-$$"
codex exec "$1" &
shift
for prompt in "$@"; do
    idle=$(hook wait --tag "$CODEX_HOOK_TAG" --for idle --wait-for-start --timeout 3600)
    wait # for codex exec to let go of the thread
    codex exec resume "$(echo "$idle" | cut -d'"' -f4)" "$prompt" &
done
wait
