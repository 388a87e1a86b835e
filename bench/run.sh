#!/usr/bin/env bash
# ./run bench [rays|bus]: runs the benchmarks and prints one JSON object with commit, machine and parameters.
# FRAMEBUS_BIN: folder of the programs.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${FRAMEBUS_BIN:?"call ./run bench"}
what=${1:-all}
case $what in all|rays|bus) ;; *) echo "run bench: there is no benchmark '$what' (rays, bus)" >&2; exit 2 ;; esac

commit=$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
[ -z "$(git status --porcelain 2>/dev/null)" ] || commit="$commit+changes"
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
memory_gib=$(awk '/^MemTotal/ {printf "%.0f", $2 / 1048576}' /proc/meminfo)

gallery=out/gallery-scene
printf '{\n"commit": "%s",\n"date": "%s",\n"machine": {"cpu": "%s", "cores": %s, "memory_gib": %s, "kernel": "%s"}' \
  "$commit" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$model" "$(nproc)" "$memory_gib" "$(uname -r)"
if [ "$what" != bus ]; then
  [ -d "$gallery" ] || "$bin/make_gallery" "$gallery" >&2
  printf ',\n"rays": '
  "$bin/framebus-bench-rays" --scene "$(find "$gallery" -name '*.gl*' | head -n 1)" --json
fi
if [ "$what" != rays ]; then
  printf ',\n"bus": '
  "$bin/framebus-bench" roundtrip
fi
printf '}\n'
