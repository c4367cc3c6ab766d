#!/bin/sh
# Exporting and cleaning again must change nothing: the library is what the notebooks say, and they are clean.
set -eu
state() { sha256sum nbs/*.ipynb slm_nb/*.py; }
before=$(mktemp); after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
state > "$before"
.venv/bin/nbdev_export
.venv/bin/nbdev_clean
state > "$after"
diff "$before" "$after" || { echo "export + clean changed these files: run both, and commit"; exit 1; }
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then git --no-pager diff --stat --exit-code -- nbs slm_nb README.md; fi
echo "export + clean leave no difference"
