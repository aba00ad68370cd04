# One call of a stand-in: hands words and input to the machine (machine.ts), prints what it answers, ends as it says.
# bash reads this file as BASH_ENV, so that the process list shows the tool's own words: `kind create cluster …`.
export LC_ALL=C
exec 3<>"/dev/tcp/127.0.0.1/$MACHINE_PORT" || exit 125
printf '%s\0' "$MACHINE_WORLD" "$MACHINE_TOOL" "$$" "$PWD" "$KUBECONFIG" "$(($# + 1))" "$0" "$@" >&3
case " $0 $* " in
  *" exec -i "* | *" --config - "*) input=$(cat) ;;
esac
printf '%s\0' "$input" >&3
while IFS= read -r -u 3 line; do
  case $line in
    o*) printf '%s\n' "${line:1}" ;;
    e*) printf '%s\n' "${line:1}" >&2 ;;
    c*) cat <&3; exit "${line:1}" ;;
    x*) exit "${line:1}" ;;
  esac
done
echo "the machine does not answer" >&2
exit 125
