#!/bin/sh
# Samples, scores and gates what stands in the working tree: for pre-commit, and to run by hand.
set -e
egobench run --model "${MODEL:-my_model:MyModel}" --split "${SPLIT:-egomini-smoke}" --metrics "${METRICS:-core}" --out runs
egobench gate "$(ls -d runs/*/ | tail -n 1)" --baseline ci/baseline.json --policy ci/gate.toml
