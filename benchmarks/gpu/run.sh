#!/usr/bin/env bash
# All rows on a GPU that is there for minutes. There: Python 3.11 or newer with torch, numba, scipy and safetensors.
#
#   bash benchmarks/gpu/run.sh wheels               before, where there is a package index: the packages that are
#                                                   missing there, into work/wheels (av is 35 MB, the others together 5)
#   bash benchmarks/gpu/run.sh start FOLDER 12      begins a run of 12 minutes in the background, which outlives the
#                                                   call; FOLDER gets clips, checkpoints, archives and log.txt
#   bash benchmarks/gpu/run.sh take FOLDER OUT 240  waits up to 240 s for finished rows, and takes those home
#   bash benchmarks/gpu/run.sh rows OUT 8           the same as start and take in one call of 8 minutes
#   bash benchmarks/gpu/run.sh agree OUT            the metrics on the GPU against the CPU's
#   bash benchmarks/gpu/run.sh whole OUT            a whole run on the GPU beside the CPU's: seconds, shares, metrics
#
# More options follow: `start FOLDER 12 --rows egotwin vidmld --look`. See --help of rows.py, take.py and agree.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=$(realpath -s "$(command -v "${PYTHON:-python3}")")
WHEELS=work/wheels

missing() {  # installs from work/wheels what is not there; what torch needs is never touched
  for name in "$@"; do
    if ! "$PYTHON" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('${name%%=*}') is None)"; then
      "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --find-links "$WHEELS" "${name##*=}"
    fi
  done
}

adopt() {  # finished VAEs, if there are any
  if [ -f egotwin_ref/weights/small/video-vae.card.json ]; then echo --adopt egotwin_ref/weights/small; fi
}

case "${1:-}" in
  wheels)
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$WHEELS" \
      jaxtyping wadler-lindig platformdirs open_clip_torch timm ftfy wcwidth \
      av tyro docstring-parser typeguard filelock threadpoolctl
    du -sh "$WHEELS"
    ;;
  start)
    mkdir -p "$2/out"
    folder=$(realpath "$2") minutes=$3
    shift 3
    missing jaxtyping wadler_lindig=wadler-lindig
    [ -f "$folder/pid" ] && kill "$(cat "$folder/pid")" 2>/dev/null && sleep 1
    rm -rf "$folder/source" && mkdir "$folder/source"  # what comes later into this folder does not disturb the run
    cp -r benchmarks egobench egomini egotwin_ref "$folder/source/"
    cd "$folder/source"
    PYTHONUNBUFFERED=1 setsid nohup "$PYTHON" benchmarks/gpu/rows.py --out "$folder/out" --work "$folder/work" \
      --files 99 --minutes "$minutes" $(adopt) "$@" >"$folder/out/log.txt" 2>&1 </dev/null &
    echo $! >"$folder/pid"
    ;;
  take)
    folder=$2 out=$3 seconds=$4
    shift 4
    exec "$PYTHON" benchmarks/gpu/take.py "$folder/out" "$out" --seconds "$seconds" "$@"
    ;;
  rows)
    out=$2 minutes=$3
    shift 3
    missing jaxtyping wadler_lindig=wadler-lindig
    exec "$PYTHON" benchmarks/gpu/rows.py --out "$out" --minutes "$minutes" $(adopt) "$@"
    ;;
  agree)
    out=$2
    shift 2
    mkdir -p "$out"
    missing jaxtyping wadler_lindig=wadler-lindig platformdirs open_clip=open_clip_torch timm ftfy wcwidth
    exec "$PYTHON" benchmarks/gpu/agree.py --out "$out/agree.md" "$@"
    ;;
  whole)
    out=$2
    shift 2
    mkdir -p "$out"
    missing jaxtyping wadler_lindig=wadler-lindig platformdirs open_clip=open_clip_torch timm ftfy wcwidth \
      av tyro docstring_parser=docstring-parser typeguard filelock threadpoolctl
    exec "$PYTHON" benchmarks/gpu/whole_run.py --out "$out/whole.md" "$@"
    ;;
  *)
    sed -n '2,14s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
