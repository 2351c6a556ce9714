# Everything this project does, one target each; `make help` lists them.
# Paths are relative, so that a folder with spaces in its name works.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
INSTALL = $(RUN) -m pip install --disable-pip-version-check --constraint constraints.txt --editable
# All cores: nproc takes OMP_NUM_THREADS, which is about BLAS, for their number.
JOBS ?= $(shell env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2)
SUITE ?= standard
REPORTS ?= reports$(if $(filter-out standard,$(SUITE)),/$(SUITE))
OF ?= refrnn
DIST ?= dist
SITE ?= site
VERSIONS ?=

.PHONY: help setup run agreement faults test mutants lint types package docs audit proof fuzz bench world versions schema clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready run  ## create .venv, install the pinned versions of all that development takes

run: $(VENV)/.runs  ## the same without linters and test tools: what a run and its report take
	@$(RUN) -m compileall -q refrnn conformance

$(VENV)/.ready: $(VENV)/.runs
	$(INSTALL) '.[dev]'
	@touch $@

$(VENV)/.runs: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; this is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) '.[torch,report]'
	@touch $@

agreement: run  ## cross-check the reference against torch.nn.RNN and write reports/
	$(RUN) -m conformance run --suite $(SUITE) --jobs $(JOBS) --resume --condense --report '$(REPORTS)'

test: setup  ## run the tests, one BLAS thread a worker
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(RUN) -m pytest -n auto

mutants: setup  ## see that tests fail on small changes of the program; OF=conformance/judge, QUICK=1
	@for package in $(OF); do \
	  PYTHONPATH=tests OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 $(RUN) -m mutation $$package \
	    --jobs $(JOBS) $(if $(QUICK),--sample 60,--report '$(REPORTS)') || exit 1; \
	done

lint: setup  ## check style and formatting
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

types: setup  ## check types, strictly in refrnn
	$(RUN) -m basedpyright

faults: setup  ## write docs/faults.md, the table of all faults, and a page for each into docs/faults
	$(RUN) -m conformance.report.fault_pages docs

package: setup  ## build wheel and sdist; install and try each in an empty environment outside the checkout
	$(RUN) -m build --quiet --outdir '$(DIST)'
	$(RUN) benchmarks/first_diagnosis.py '$(DIST)'

docs: setup faults  ## build the documentation into site/, strictly: no broken link, every cell of the tutorial run
	$(INSTALL) '.[docs]'
	PATH="$(CURDIR)/$(VENV)/bin:$$PATH" $(RUN) -m mkdocs build --site-dir '$(SITE)'

audit: setup  ## ask the advisory database about every pinned version; fails where it gives no answer
	$(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(VENV)-audit/bin/pip-audit --strict --requirement constraints.txt --no-deps --disable-pip --progress-spinner off

proof: setup  ## prove the reference on random problems in ball arithmetic; writes reports/
	$(RUN) benchmarks/ball_arithmetic.py

fuzz: setup  ## feed malformed input to every door, with Hypothesis and coverage-guided Atheris; writes reports/
	$(INSTALL) '.[fuzz]'
	$(RUN) benchmarks/fuzzing.py

bench: setup  ## measure speed against torch.nn.RNN, LSTM and GRU and per-sample code, growth and the engine; write reports/benchmarks.*
	$(RUN) benchmarks/speed --out '$(REPORTS)'

world:  ## examine other frameworks in an environment of their own, confirm what differs; write reports/world.*
	$(PYTHON) -m venv $(VENV)-world
	$(VENV)-world/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable '.[torch,report,onnx,jax,keras]'
	$(VENV)-world/bin/python benchmarks/world --jobs $(JOBS) --out '$(REPORTS)'

versions: run  ## run smoke on torch's releases, oldest declared to newest, and compare them; VERSIONS="2.6.0 newest"; reports/versions.*
	$(RUN) benchmarks/versions --environment '$(VENV)-versions' --jobs $(JOBS) --out '$(REPORTS)' $(VERSIONS)

schema: setup  ## write docs/record.schema.json anew after a change of the record
	$(RUN) -c 'import json, conformance.record as r; print(json.dumps(r.schema(), indent=1, sort_keys=True))' > docs/record.schema.json

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) $(VENV)-audit $(VENV)-world $(VENV)-versions .pytest_cache .ruff_cache .hypothesis
