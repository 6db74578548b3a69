# make movielens   set up, then recommend films          make test   set up, then pass every test
# The README names what must be on the machine first; everything else comes from here.
PYTHON ?= python3
PY := .venv/bin/python
SBT := ./sbt -Dsbt.supershell=false -Dsbt.color=false
JAR := mllib_py/jars/mllib-py.jar
ARGS ?=

# The stamps live in .venv, so that a new .venv is set up anew.
PACKAGE := .venv/package.ok
DOCS := .venv/docs.ok
CDS := .venv/cds.ok

SCALA_INPUTS := build_jar.py project/scalac-options.txt \
	$(shell find src/main -type f -name '[!.]*' 2>/dev/null) $(shell find src/main -type d)

MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: setup movielens test test-fast test-python test-scala test-next lint lint-python \
	lint-scala format bench docs clean help
.DEFAULT_GOAL := help

help:
	@echo 'make setup | movielens [ARGS=...] | test | test-fast | test-next | lint | format | bench | docs | clean'

setup: $(PACKAGE) $(JAR) $(CDS)

movielens: setup
	@.venv/bin/mllib-py movielens $(ARGS)

# --- set-up -----------------------------------------------------------------------------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'mllib-py needs Python 3.11 or newer with venv: make PYTHON=python3.11 setup' >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The build's own requirements come first, from their one home, and the build is not isolated:
# pyspark (450 MB) is unpacked once. The extras are what tests and benchmarks need.
$(PACKAGE): pyproject.toml | .venv/bin/python
	$(PY) -c 'import tomllib; \
		print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		> .venv/build-requires.txt
	.venv/bin/pip install --quiet --disable-pip-version-check -r .venv/build-requires.txt
	.venv/bin/pip install --quiet --disable-pip-version-check --no-build-isolation \
		-e '.[test,tutorial,bench]'
	@touch $@

# build_jar.py leaves a jar that is up to date by content alone; the stamp is what make compares.
$(JAR): .venv/jar.ok ;
.venv/jar.ok: $(SCALA_INPUTS) $(PACKAGE)
	$(PY) build_jar.py
	@touch $@

# Class-data sharing makes a session start sooner; without it everything works.
$(CDS): $(JAR) mllib_py/_cds.py
	$(PY) -c 'import sys; from mllib_py._cds import main; sys.exit(main())' && touch $@ || echo 'Going on without class-data sharing.' >&2

# --- tests: what is fast comes first, and pytest's summary is the last thing said --------------

# The kernels once more with vectors of 256 bits, as processors without AVX-512 have them.
NARROW := 'set Test / javaOptions += "-XX:UseAVX=2"' \
	'testOnly mllibpy.kernel.ArithmeticSuite mllibpy.kernel.MethodSuite mllibpy.kernel.RowSolverSuite mllibpy.kernel.cluster.AssignSumSuite'

test: setup lint-python
	$(SBT) 'scalafmtSbtCheck; scalafmtCheckAll; test' $(NARROW) </dev/null
	$(PY) -m pytest tests/python tests/e2e

test-fast: setup
	$(SBT) 'testOnly mllibpy.kernel.*' </dev/null
	$(PY) -m pytest -m 'not e2e and not spark' tests/python

test-scala: setup
	$(SBT) test $(NARROW) </dev/null

test-python: setup
	$(PY) -m pytest tests/python tests/e2e

# What tune stands on, in the versions to come, in an environment of its own: a name that they drop
# fails here before it fails for a user.
test-next: $(JAR)
	$(PYTHON) -m venv .venv-next
	.venv-next/bin/pip install --quiet --disable-pip-version-check -r .venv/build-requires.txt
	.venv-next/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[test]'
	.venv-next/bin/pip install --quiet --disable-pip-version-check --pre --upgrade \
		scikit-learn optuna joblib
	.venv-next/bin/python -m pytest tests/python/test_tune_*.py

# --- lint: warnings of the Scala compiler are errors (project/scalac-options.txt) ---------------

lint: setup lint-python lint-scala

lint-python: $(PACKAGE)
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(PY) -m pytest --quiet tests/python/test_walls.py

lint-scala: $(PACKAGE)
	$(SBT) 'scalafmtSbtCheck; scalafmtCheckAll; Test/compile' </dev/null

format: $(PACKAGE)
	.venv/bin/ruff check --fix --select I
	.venv/bin/ruff format
	$(SBT) 'scalafmtSbt; scalafmtAll' </dev/null

# --- the rest -----------------------------------------------------------------------------------

bench: setup
	$(PY) -m bench.peers.als $(ARGS)

$(DOCS): pyproject.toml $(PACKAGE)
	.venv/bin/pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[docs]'
	@touch $@

docs: $(DOCS)
	$(PY) -m sphinx -W --keep-going -E -q -b html docs docs/_build/html

clean:
	rm -rf .venv .venv-next target project/target project/project mllib_py/jars dist docs/_build \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
