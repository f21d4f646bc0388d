#!/bin/sh
# What `make demo` does: the bundled EgoTwin and two controls on a part of the embedded test split, side by side, and a
# picture of a clip.
# Usage: sh docs/demo.sh BIN, where BIN/egobench is the installed command.
set -eu
egobench="$1/egobench"
out=runs/demo
mkdir -p "$out"

echo "1. Two controls whose rank is known beforehand, and the bundled EgoTwin, on 64 clips of the shipped split egomini-test."
for model in reference static egotwin; do
    run=$("$egobench" run --model "$model" --split egomini-test --limit 64 --workers 2 --out "$out" --json |
        sed -n 's/^  "path": "\(.*\)",*$/\1/p')
    runs="${runs:-} $run"
done

echo
echo "2. Side by side: value ± 95 % interval; floor and chance say how to read it."
# shellcheck disable=SC2086  # the folders have no spaces: egobench named them
"$egobench" table $runs

echo "3. A clip and what EgoTwin made of it; eight more, references above samples."
clip=test-0005-2
"$egobench" data view "$clip" --run "$run" --out "$out/$clip.png"
"$egobench" data sheet --split egomini-smoke --count 8 --run "$run" --out "$out/egotwin.png"
echo
echo "The runs lie in $out; try: egobench describe i-fid, egobench list, egobench run --model your.module:Model --split egomini-test"
