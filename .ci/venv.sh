#!/bin/sh
# venv.sh STAMP [PIP FLAGS...]: build .venv from constraints.txt, then mark it with STAMP
set -eu
stamp=$1; shift
python=
for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3; do
  if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$name; break; fi
done
if [ -z "$python" ]; then
  echo "Python 3.11 or newer is needed and was not found; on Debian 12: apt-get install -y python3 python3-venv" >&2; exit 1
fi
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
  sh .ci/system.sh no-ensurepip:python3-venv
  if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    echo "$python has no venv module; on Debian: sudo apt-get install -y python3-venv" >&2; exit 1
  fi
fi
echo "Building .venv with $("$python" --version) from constraints.txt (about 2 GB; minutes the first time)"
if [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then :
else rm -rf .venv; "$python" -m venv .venv; fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
total=$(grep -c == constraints.txt)
every=25; if [ -t 1 ]; then every=1; fi
{ .venv/bin/python -m pip install --disable-pip-version-check --no-compile "$@" -r constraints.txt 2>"$log" || echo "PIP FAILED"; } |
  awk -v n="$total" -v every="$every" '
    /^PIP FAILED/ { bad = 1 }
    /^(Collecting|Requirement already)/ { if (k < n) k++; if (k % every == 0) say(k " of " n " packages resolved and downloaded") }
    /^Installing collected/ { say("installing") }
    function say(what) { if (every == 1) printf "\r\033[K  %s", what; else print "  " what; fflush() }
    END { if (every == 1) printf "\r\033[K"; exit bad }' ||
  { grep -v '^WARNING' "$log" | tail -n 15 >&2; echo "pip could not install constraints.txt (above); mend that and type make again" >&2; exit 1; }
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
rm -f .venv/.installed-*
touch "$stamp"
