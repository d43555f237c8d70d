# `make demo` and `make test` need Python 3.12 or newer and nothing else: they make their own environment.
.PHONY: help demo test faults damage fuzz extras lint docs clean

VENV   := .venv
BIN    := $(VENV)/bin
GALLERY := demo/gallery
CATALOG := demo/catalog.db
TESTS  ?= tests
WORKERS ?= $(shell echo $$(( ($$(nproc 2>/dev/null || echo 2) * 3 + 1) / 2 )))
TRIES  ?= 3000
MINUTES ?= 5

help:
	@echo "make demo   install, render a small gallery, scan it, print its duplicates"
	@echo "make test   install, run the tests (TESTS=tests/web for some of them)"
	@echo "make faults let each call on files fail, kill at each, cut the power after each (78,000 tries: hours)"
	@echo "make damage damage a catalog TRIES=3000 times, and see what each command says of it"
	@echo "make extras install PyTorch, Ray and the other extras too, so that no test skips (several GB)"
	@echo "make lint   style, types, import rules"
	@echo "make docs   the documentation as a site in build/site; a warning is an error"
	@echo "make fuzz   try broken and hostile inputs for MINUTES=5, all targets together (TARGETS='plan request')"
	@echo "make clean  remove the demo and what tools have cached"

demo: $(BIN)/.installed
	@rm -rf demo && mkdir demo
	$(BIN)/neardup demo $(GALLERY)
	$(BIN)/neardup scan $(GALLERY) --catalog $(CATALOG)
	$(BIN)/neardup dups --format table --catalog $(CATALOG)
	@echo "Next, with --catalog $(CATALOG): '$(BIN)/neardup clean' plans what would go, '$(BIN)/neardup serve --open'"
	@echo "shows the groups on a page (extra web). Your own images: '$(BIN)/neardup ~/Photos'"

# Three workers on two cores, for tests wait for disks and servers now and then; and no threads of OpenMP, which
# wait for each other by spinning.
test: export OMP_NUM_THREADS = 1
test: $(BIN)/.tested
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

faults: $(BIN)/.tested
	$(BIN)/python -m benchmarks.faults --alike 31 --write

damage: $(BIN)/.tested
	$(BIN)/python -m tests.damage --tries $(TRIES)

extras: $(BIN)/.tested
	$(BIN)/python -m pip install --quiet --editable '.[torch,web,streamlit,ray,postgres,eval,test]'

lint: $(BIN)/.tested
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(BIN)/.documented
	$(BIN)/python -m mkdocs build
	$(BIN)/python -m docs.scripts.outside build/site

# What it finds is kept in tests/fuzz_corpus, which the tests try again: see docs/fuzzing.md.
fuzz: $(BIN)/.tested
	$(BIN)/python -m tests.fuzz --save --minutes $(MINUTES) $(addprefix --target ,$(TARGETS))

clean:
	rm -rf demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist build

# The first Python on the PATH that is new enough, whatever its name.
$(BIN)/python:
	@for python in python3 python3.12 python3.13 python3.14 python; do \
	    if $$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; then \
	        echo "making $(VENV) with $$($$python --version)"; \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "neardup needs Python 3.12 or newer, and none is on the PATH" >&2; exit 1

# pip compiles what it installs, but nothing of an editable package: without that, where Python is told to
# write no bytecode, each command would compile some sixty files before it begins.
COMPILE := $(BIN)/python -m compileall -q neardup_cli

$(BIN)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@$(COMPILE)
	@touch $@

$(BIN)/.tested: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@$(COMPILE)
	@touch $@ $(BIN)/.installed

$(BIN)/.documented: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@$(COMPILE)
	@touch $@ $(BIN)/.installed
