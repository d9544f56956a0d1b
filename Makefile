# qasr: a newcomer needs two of these, `make demo` and `make test`. Each sets up what it needs in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PARITY := .venv-parity
OLDEST := .venv-oldest
WRITERS := .venv-writers
OUT := demo-out

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench demo-model rehearsal demo-model-eval samples parity oldest \
	compare-writers gallery goldens man torture clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## Set up, transcribe the samples, show the result
	@bash tools/demo.sh $(BIN)/qasr $(OUT)

test: $(INSTALLED)  ## Set up, run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: $(INSTALLED)  ## Format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_sizes

format: $(INSTALLED)  ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(INSTALLED)  ## Measure speed and memory; prints the README's table
	$(BIN)/python -m tests.bench

torture: $(INSTALLED)  ## Kill runs over 50 files 200 times, go on, compare bytes with a whole run (30 min)
	$(BIN)/python -m tests.torture

parity: $(INSTALLED) $(PARITY)/.installed  ## Compare with the official qwen-asr package, stage by stage (7 GB, 20 min)
	$(BIN)/python -m tests.parity --python $(PARITY)/bin/python --write

# The official package pins another transformers, so it lives in an environment of its own.
$(PARITY)/.installed:
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 qwen-asr==0.0.6
	@touch $@

oldest: $(OLDEST)/.installed  ## Test the engine with the oldest transformers that it supports
	$(OLDEST)/bin/python -m pytest -n 2 tests/e2e/test_engine.py tests/e2e/test_model_loading.py \
		tests/e2e/test_models.py tests/e2e/test_steering.py tests/e2e/test_demo_model.py

$(OLDEST)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(OLDEST)
	grep -v '^transformers' constraints.txt > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(OLDEST)/constraints.txt \
		transformers==5.17.0 -e '.[dev]'
	@touch $@

compare-writers: $(INSTALLED) $(WRITERS)/.installed  ## Compare subtitles with other tools' writers; updates the READMEs
	$(BIN)/python -m tools.compare_writers --python $(WRITERS)/bin/python --readme

# Without what they need for hearing: a writer handles text, and torch would come along three times.
$(WRITERS)/.installed:
	$(PYTHON) -m venv $(WRITERS)
	$(WRITERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		openai-whisper==20250625 whisperx==3.8.6 stable-ts==2.19.1 numpy tqdm
	@touch $@

gallery: $(INSTALLED)  ## Draw the README's cues in six languages; says which fonts it needs
	$(BIN)/python -m tools.gallery docs/languages.png

goldens: $(INSTALLED)  ## Write the golden subtitle files anew; review the diff
	$(BIN)/python -m tests.golden.regenerate

man: $(INSTALLED)  ## Write the manual page anew from the help
	$(BIN)/python -m tools.make_man

samples: $(VENV)/.demo-model  ## Speak the sample media anew
	$(BIN)/python -m tools.demo_model samples

demo-model: $(VENV)/.demo-model  ## Train the demo pair anew, from nothing (eight hours; on Debian)
	$(BIN)/python -m tools.demo_model all --out build/demo-model
	@echo "The new pair is in build/demo-model/pair. What has been tried: tools/demo_model/NOTES.md"

rehearsal: $(VENV)/.demo-model  ## The same in small, to see that the way holds (its pair knows nothing)
	$(BIN)/python -m tools.demo_model all --rehearsal --out build/rehearsal

demo-model-eval: $(VENV)/.demo-model  ## Print the figures of the pair that ships, on dev sentences
	$(BIN)/python -m tools.demo_model evaluate

$(VENV)/.demo-model: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,demo-model]'
	@touch $@

clean:  ## Remove everything that these made
	rm -rf $(VENV) $(PARITY) $(OLDEST) $(WRITERS) $(OUT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis
