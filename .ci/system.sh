#!/bin/sh
# system.sh COMMAND:PACKAGE ...: install the Debian packages whose command is missing.
# Silent when nothing is missing. Without apt or root it prints the one command to type and returns 0:
# what needs the package then skips itself by name.
missing=
for pair in "$@"; do
  command -v "${pair%%:*}" >/dev/null 2>&1 || [ -e "${pair%%:*}" ] || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
as_root=
if [ "$(id -u)" != 0 ]; then
  if sudo -n true 2>/dev/null; then as_root=sudo; else as_root=none; fi
fi
if [ "$as_root" = none ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "Missing system packages:$missing. Going on without them; to install, type:"
  echo "    sudo apt-get install -y$missing"
  exit 0
fi
echo "Installing system packages with apt-get:$missing"
log=$(mktemp)
if ! { $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
     } >"$log" 2>&1 </dev/null; then
  tail -n 5 "$log"
  echo "apt-get failed; going on without:$missing. To try again, type:"
  echo "    ${as_root:+sudo }apt-get install -y$missing"
fi
rm -f "$log"
