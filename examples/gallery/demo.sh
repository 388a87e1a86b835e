#!/bin/bash
# Renders the gallery on a small farm: one broker and two workers, each a process of its own. Called by
# ./run demo, which builds the programs first; FRAMEBUS_BIN is where they are. Leaves nothing running.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
bin=${FRAMEBUS_BIN:-$here/../../build/release/bin}
out=${FRAMEBUS_OUT:-$here/../../out}
mkdir -p "$out"
out=$(readlink -f "$out")
work=$(mktemp -d "${TMPDIR:-/tmp}/framebus-demo.XXXXXX")
started=()

finish() {
  local status=$?
  for pid in "${started[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [ "$status" -ne 0 ]; then
    echo "demo: failed; the logs follow" >&2
    tail -n 20 "$work"/*.log >&2 || true
  fi
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

echo "demo: making the scene"
"$bin/make_gallery" "$here/scene"

echo "demo: starting a broker and two workers"
# ipc endpoints in a private folder: no port can be taken, and nothing listens on the network.
primary=ipc://$work/primary.sock
worker=ipc://$work/worker.sock
"$bin/framebus-broker" --ephemeral --data "$work/broker" --primary-endpoint "$primary" \
  --worker-endpoint "$worker" --bulk-endpoint "ipc://$work/bulk.sock" >"$work/broker.log" 2>&1 &
started+=($!)
cores=$(nproc)
threads=$(( cores > 1 ? (cores + 1) / 2 : 1 ))
for i in 1 2; do
  "$bin/framebus-worker" --broker "$worker" --cpu --threads "$threads" --data "$work/worker$i" \
    >"$work/worker$i.log" 2>&1 &
  started+=($!)
done

echo "demo: rendering examples/gallery/job.json"
"$bin/framebus" submit "$here/job.json" --wait --broker "$primary" -o "$out" "$@"
echo "demo: the picture is $out/gallery.png"
