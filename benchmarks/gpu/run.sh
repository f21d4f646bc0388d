#!/usr/bin/env bash
# All rows on a GPU that is there for minutes. There: Python 3.11 or newer with torch, numba, scipy and safetensors.
#
#   bash benchmarks/gpu/run.sh wheels           before, where there is a package index: the small packages that are
#                                               missing there, into work/wheels (pure Python, some 5 MB)
#   bash benchmarks/gpu/run.sh rows OUT 4       one call of 4 minutes; again with another OUT, it goes on
#   bash benchmarks/gpu/run.sh agree OUT        the metrics on the GPU against the CPU's
#
# More options of a call follow it: `rows OUT 8 --row-minutes 7 --rows egotwin vidmld`. See rows.py and agree.py --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3}
WHEELS=work/wheels

missing() {  # installs from work/wheels what is not there; what torch needs is never touched
  for name in "$@"; do
    if ! "$PYTHON" -c "import importlib.util, sys; sys.exit(importlib.util.find_spec('${name%%=*}') is None)"; then
      "$PYTHON" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --find-links "$WHEELS" "${name##*=}"
    fi
  done
}

case "${1:-}" in
  wheels)
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$WHEELS" \
      jaxtyping wadler-lindig open_clip_torch timm ftfy wcwidth
    du -sh "$WHEELS"
    ;;
  rows)
    out=$2 minutes=$3
    shift 3
    missing jaxtyping wadler_lindig=wadler-lindig
    adopt=()
    [ -f egotwin_ref/weights/small/video-vae.card.json ] && adopt=(--adopt egotwin_ref/weights/small)
    exec "$PYTHON" benchmarks/gpu/rows.py --out "$out" --minutes "$minutes" "${adopt[@]}" "$@"
    ;;
  agree)
    out=$2
    shift 2
    mkdir -p "$out"
    missing jaxtyping wadler_lindig=wadler-lindig open_clip=open_clip_torch timm ftfy wcwidth
    exec "$PYTHON" benchmarks/gpu/agree.py --out "$out/agree.md" "$@"
    ;;
  *)
    sed -n '2,10s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
