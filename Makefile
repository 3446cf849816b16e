# `make demo` and `make test` need git, make and Python 3.10 or newer; everything else is installed into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
JOBS ?= 2
# one process that dies ends the run: pytest-xdist waits forever after replacing one (its issue 1378)
PARALLEL = --numprocesses $(JOBS) --dist loadscope --max-worker-restart 0

.PHONY: demo test test-all slow check bench pictures plugins package clean

# sys.version_info is asked first, so that an old Python gets a sentence and not a traceback of pip
$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "diffstyle needs Python 3.10 or newer: make PYTHON=python3.11 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

demo: $(VENV)/.installed ## repaint a bundled photo
	@mkdir -p demo
	@$(BIN)/diffstyle stylize examples/cat.jpg --style van-gogh-starry-night --engine adain --out demo/preview.png
	@$(BIN)/diffstyle stylize examples/cat.jpg --style van-gogh-starry-night --out demo/cat.png
	@echo "Look at  demo/preview.png, the instant preview, and demo/cat.png, the final render"
	@echo "Then try $(BIN)/diffstyle stylize YOUR_PHOTO.jpg --style YOUR_PAINTING.jpg -o out.png"
	@echo "     or  $(BIN)/diffstyle style list"

test: $(VENV)/.tested ## what must hold, in minutes: JOBS processes of one thread each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL)

test-all: $(VENV)/.tested ## and what takes longer: packaging, killed trainings, all pairs of controls
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(PARALLEL) -m long -o faulthandler_timeout=1800

slow: $(VENV)/.tested ## models of full size with random weights: 16 GB of memory, 30 GB of disk
	$(BIN)/python -m pytest -q -s -m slow -o faulthandler_timeout=0

check: $(VENV)/.tested ## lint, format, types, import direction
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --warnings
	$(BIN)/python -m pytest -q tests/test_house.py

bench: $(VENV)/.tested ## the figures of CARD.md and README.md
	$(BIN)/python -m benchmarks.preview
	$(BIN)/python -m benchmarks.clip $(if $(DATA),--data $(DATA))
	$(BIN)/python -m benchmarks.words $(if $(DATA),--data $(DATA))
	$(BIN)/python -m benchmarks.quality $(if $(DATA),--data $(DATA))
	$(BIN)/python -m benchmarks.starter $(if $(DATA),--data $(DATA))

pictures: $(VENV)/.installed ## those of the README
	$(BIN)/python examples/seven_styles.py docs/images/cat.jpg

plugins: ## an archive for each of GIMP, Blender, Krita, the web UIs and InvokeAI, in dist/plugins
	$(PYTHON) plugins/pack.py dist/plugins

package: $(VENV)/.tested ## sdist, from it the wheel, installed elsewhere and used
	$(BIN)/python -m pytest -q -m package -o faulthandler_timeout=1800

clean:
	rm -rf $(VENV) dist demo
