# `make demo` and `make test` set up what they need by themselves: a virtual environment in .venv, from the package index.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
READY_BENCH := $(VENV)/ready-bench

.PHONY: help setup demo test check bench weights rows clean
help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+: *##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

setup: $(READY)  ## the virtual environment, with everything the demo and the tests need

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "EgoBench needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)"; exit 2; }
	@echo "setting up $(VENV) with $(PYTHON) (once; torch is large)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[torch,test,dev]'
	@touch $@

demo: $(READY)   ## score the bundled EgoTwin and two controls on a part of egomini-test, and show them
	@sh docs/demo.sh $(BIN)

test: $(READY)   ## lint and all tests: two cores, no network, no GPU
	$(BIN)/ruff check .
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/pytest -q -n 2 --dist loadfile

check: $(READY)  ## test, and formatting and types
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(MAKE) test

bench: $(READY_BENCH) ## speed and memory beside peers, ten minutes (all, hours: ARGS=--slow; some: ARGS="-k frechet"); kept in benchmarks/results
	$(BIN)/python benchmarks/measure.py $(ARGS)

$(READY_BENCH): $(READY)
	@$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

weights: $(READY) ## make shipped data and evaluators again from their seeds (resumable); the rows of the table: make rows
	$(BIN)/python -m egomini.splits.ship
	$(BIN)/python -m egobench fit motion-text --out egobench/extractors/weights
	$(BIN)/python -m egobench fit motion-text --out egobench/extractors/weights --check egomini-test
	for name in egomini-clip egomini-video egomini-odometry egomini-hands; do \
	  $(BIN)/python -m egobench fit $$name --out egomini/evaluators/weights || exit; \
	  $(BIN)/python -m egobench fit $$name --out egomini/evaluators/weights --check egomini-test || exit; \
	done
	$(BIN)/python -m egomini.splits.ship_scored

rows: $(READY)   ## train, guide, score and table all rows of the small preset (a GPU, or days on a CPU; resumable; ARGS="--minutes 60")
	$(BIN)/python benchmarks/egotwin/rows.py $(ARGS)

clean:           ## remove the virtual environment and caches; runs/ stays
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache
