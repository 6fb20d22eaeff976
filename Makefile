# fewshot_bench: `make demo` and `make test` are all a fresh machine needs.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP_FLAGS ?= --quiet
PIP_INSTALL = $(BIN)/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt
SOURCES := fewshot_bench methods baselines bench tests
REQUIREMENTS := pyproject.toml constraints.txt
PYTEST_ARGS ?=
FUZZ_RUNS ?= 1000000
BENCH_ARGS ?=
MUTANTS ?=
ANNOUNCE = @echo "Installing into $(VENV); the first time takes minutes, most of them for torch."

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test cluster bench reports docs lint format install learn2learn fuzz mutants clean

help: ## show the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/.installed ## install, then meta-train and test ssl-meta on the embedded dataset
	$(BIN)/fsbench run --method ssl-meta --shots 1

test: $(VENV)/.installed-test ## install, then run the whole test suite (PYTEST_ARGS="-k name" for a part)
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --durations=12 $(PYTEST_ARGS)

cluster: $(VENV)/.installed-test ## start a Ray cluster of two nodes here and kill its parts (minutes)
	$(PIP_INSTALL) -e '.[ray]'
	$(BIN)/pytest -m cluster -s tests/runs/test_ray.py

bench: $(VENV)/.installed ## time us and our peers, and write reports/speed.md (BENCH_ARGS=--quick for a check)
	$(BIN)/python -m bench $(BENCH_ARGS)

reports: $(VENV)/.installed ## remake tables, figures and pages from the files of reports/, and the tables of README and docs
	$(BIN)/python -m bench.results

docs: $(VENV)/.installed-docs ## build the documentation into build/docs; it reads without a network
	@# Not --quiet, under which --strict counts no warnings.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "docs: build/docs/index.html"

lint: $(VENV)/.installed-dev ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed-dev ## rewrite the sources in the one format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

install: $(VENV)/.installed-dev ## install all that development needs, and run nothing

learn2learn: $(VENV)/.installed-learn2learn ## add learn2learn to the environment, its C sources made anew

fuzz: $(VENV)-fuzz/.installed ## fuzz all that is read, from archives to checkpoints; goes on after a break (FUZZ_RUNS=1000000 inputs in all)
	mkdir -p build/fuzz && cd build/fuzz && OMP_NUM_THREADS=1 $(abspath $(VENV)-fuzz)/bin/python $(CURDIR)/tests/fuzz/run_atheris.py $(FUZZ_RUNS)

mutants: $(VENV)-mutants/.installed ## see whether the tests notice small changes to the code (MUTANTS="--sample 50"); resumable
	$(VENV)-mutants/bin/python -m tests.mutants $(MUTANTS)

clean: ## remove what can be made again: the environment, builds and caches (results stay)
	rm -rf $(VENV) $(VENV)-fuzz $(VENV)-mutants build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: an installation is repeated only when what it was made from has changed.
$(VENV)/.created:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "fewshot_bench needs Python 3.11 or newer, and '$(PYTHON)' is not there; try: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "fewshot_bench needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.created $(REQUIREMENTS)
	$(ANNOUNCE)
	$(PIP_INSTALL) -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.created $(REQUIREMENTS)
	$(ANNOUNCE)
	$(PIP_INSTALL) -e '.[test]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-dev: $(VENV)/.created $(REQUIREMENTS)
	$(ANNOUNCE)
	$(PIP_INSTALL) -e '.[test,dev]'
	@touch $(VENV)/.installed $(VENV)/.installed-test $@

$(VENV)/.installed-docs: $(VENV)/.created $(REQUIREMENTS)
	$(ANNOUNCE)
	$(PIP_INSTALL) -e '.[docs]'
	@touch $(VENV)/.installed $@

# learn2learn 0.2.0 ships C sources that Python 3.11 and later cannot compile: a setting that pip
# hands to its setup.py has Cython make them anew. qpth, its solver, asks for an older numpy than it
# needs; cvxpy, which it imports, comes before it.
$(VENV)/.installed-learn2learn: $(VENV)/.installed
	$(PIP_INSTALL) cython 'setuptools>=77,<80' wheel gym==0.26.2 torchvision requests tqdm cvxpy
	$(PIP_INSTALL) --no-deps --no-build-isolation --use-pep517 \
		--config-settings=--global-option=build_ext learn2learn==0.2.0
	$(PIP_INSTALL) --no-deps --no-build-isolation --use-pep517 qpth==0.0.18
	@touch $@

# atheris in an environment of its own: it is no dependency, and not built for every Python.
$(VENV)-fuzz/.installed: $(REQUIREMENTS)
	$(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e . atheris
	@touch $@

# coverage in an environment of its own, for the same reason: only this target wants it.
$(VENV)-mutants/.installed: $(REQUIREMENTS)
	$(PYTHON) -m venv $(VENV)-mutants
	$(VENV)-mutants/bin/python -m pip install --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[test]' coverage
	@touch $@
