#!/bin/sh
# llama.sh [PIP FLAGS...]: build llama-cpp-python, as settings.ini pins it, into .venv.
# Silent when it is there. What cannot be built, or not within LLAMA_LIMIT_S seconds, is skipped by name, and
# the exit status is 0: the lessons that need it then skip themselves.
set -u
limit_s=${LLAMA_LIMIT_S:-1200}
python=.venv/bin/python
works() { "$python" -c 'import llama_cpp; llama_cpp.llama_backend_init()' >/dev/null 2>&1; }
if works; then exit 0; fi
log=$(mktemp)
build=
trap 'rm -f "$log"' EXIT
trap 'if [ -n "$build" ]; then kill "$build" 2>/dev/null; fi; exit 130' INT TERM
skip() { echo "SKIPPED llama.cpp: $1"; echo "0 passed, 0 failed, 1 skipped"; exit 0; }

[ -x "$python" ] || skip "no .venv; make venv builds it"
package=$(sed -n 's/^llama_requirements *= *//p' settings.ini)
sh .ci/system.sh gcc:gcc g++:g++
# Not tuned to this CPU, so that a wheel may be kept for others like it; but no instruction that it lacks.
flags="-DGGML_NATIVE=OFF -DLLAVA_BUILD=OFF -DLLAMA_BUILD_TOOLS=OFF"
for set in AVX AVX2 FMA F16C BMI2; do
  if grep -qiw "$set" /proc/cpuinfo 2>/dev/null; then flags="$flags -DGGML_$set=ON"; else flags="$flags -DGGML_$set=OFF"; fi
done
echo "Building $package into .venv (5 to 11 minutes on two cores; stopped after $((limit_s/60)))"
CMAKE_ARGS="${CMAKE_ARGS:-$flags}" timeout -k 10 "$limit_s" \
  "$python" -m pip install --disable-pip-version-check -c constraints.txt "$@" $package >"$log" 2>&1 </dev/null &
build=$!
seconds=0
while kill -0 "$build" 2>/dev/null; do
  sleep 1
  seconds=$((seconds+1))
  if [ $((seconds % 60)) = 0 ]; then echo "  building for $((seconds/60)) of at most $((limit_s/60)) minutes"; fi
done
wait "$build"
status=$?
build=
if [ "$status" = 124 ] || [ "$status" = 137 ]; then skip "not built within $limit_s s"; fi
if [ "$status" != 0 ]; then skip "$(grep -i error "$log" | tail -n 1 | cut -c1-200) (pip exit $status)"; fi
works || skip "$package was built and does not load"
echo "$package is in .venv"
