#!/bin/sh
# CRIU runs this at each of its actions. Where there is a FIFO for the action, it says that CRIU is held and waits until
# the agent answers "go" or "abort". Only these two are answers: an agent that died gives none, and the next one can.
# At other actions it costs one shell, because a tree is frozen meanwhile.
folder=${0%/*}
action=$CRTOOLS_SCRIPT_ACTION
[ -p "$folder/$action.answer" ] || exit 0

# Nobody answers for a CRIU that was killed: so this ends with it.
[ "${1:-}" = waits ] || exec setpriv --pdeathsig KILL -- "$0" waits

# Opened for reading and writing, the FIFO never blocks here, never ends, and keeps an answer that is written early.
exec 3<>"$folder/$action.answer" || exit 1
printf '%s\n' "${CRTOOLS_INIT_PID:-0}" >"$folder/$action.held" || exit 1

while :; do
  if ! read -r answer <&3; then
    sleep 1
    continue
  fi
  case $answer in
    go)
      printf 'go\n' >"$folder/$action.answered"
      exit 0
      ;;
    abort)
      printf 'abort\n' >"$folder/$action.answered"
      exit 1
      ;;
  esac
done
