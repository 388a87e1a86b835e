#!/usr/bin/env bash
# The demonstration behind ./run demo: makes the gallery's scene, starts one broker and two workers as
# separate processes, submits job.json, waits, stops what it started and prints the path of the picture.
# FRAMEBUS_BIN: folder of the programs. Arguments go to `framebus submit`, e.g. --set sampling.spp=16
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=${FRAMEBUS_BIN:?"call ./run demo"}
say() { printf '==> %s\n' "$*" >&2; }

farm=$(mktemp -d /tmp/framebus-demo-XXXXXX)
started=()
stop() {
  # Workers first, so that they can say goodbye; only what was started here.
  local pid i
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do
    pid=${started[i]}
    kill -TERM "$pid" 2>/dev/null || true
  done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$farm"
}
trap stop EXIT
trap 'exit 130' INT TERM

start() {
  local name=$1
  shift
  "$@" >"$farm/$name.out" 2>"$farm/$name.log" </dev/null &
  started+=($!)
}

if [ ! -f "$here/scene/gallery.gltf" ] || [ "$bin/make_gallery" -nt "$here/scene/gallery.gltf" ]; then
  say "making the scene"
  "$bin/make_gallery" "$here/scene" >&2
fi

say "starting a broker and two workers"
# Port 0: any free one, so that the demonstration never meets a farm that is already there.
start broker "$bin/framebus-broker" --ephemeral --data "$farm/broker" --primary-endpoint tcp://127.0.0.1:0 \
  --worker-endpoint tcp://127.0.0.1:0 --bulk-endpoint tcp://127.0.0.1:0
for _ in $(seq 200); do
  [ ! -s "$farm/broker/endpoints.json" ] || break
  kill -0 "${started[0]}" 2>/dev/null || { cat "$farm/broker.log" >&2; exit 1; }
  sleep 0.05
done
endpoint() { sed -n "s/.*\"$1\": \"\([^\"]*\)\".*/\1/p" "$farm/broker/endpoints.json"; }

threads=$(( ($(nproc) + 1) / 2 ))
for number in 1 2; do
  start "worker$number" "$bin/framebus-worker" --broker "$(endpoint worker)" --cpu --threads "$threads" --data "$farm/worker$number"
done

say "framebus submit examples/gallery/job.json --wait"
status=0
"$bin/framebus" --broker "$(endpoint primary)" submit "$here/job.json" --wait "$@" || status=$?
if [ $status -ne 0 ]; then
  say "it failed; the logs of broker and workers:"
  tail -n 20 "$farm"/*.log >&2
  exit $status
fi
say "the picture:"
printf '%s\n' "$here/out/gallery.png"
