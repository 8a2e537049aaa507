# interrupt.sh PROGRAM ARG...: Ctrl-C as soon as the program has printed its first line; ends with its status.
pipe=$(mktemp -u)
mkfifo "$pipe"
"$@" >"$pipe" &
program=$!
exec 3<"$pipe"
rm "$pipe"
read -r line <&3
kill -INT "$program"
cat <&3
wait "$program"
