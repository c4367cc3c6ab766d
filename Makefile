# Every target says what it does; `make` alone lists them.
SHELL   := /bin/sh
TIER    ?= smoke_2M
PIP_FLAGS ?=
STAMP   := .venv/.installed-$(shell cat constraints.txt settings.ini setup.py | sha256sum | cut -c1-16)
BIN     := .venv/bin
WORKERS ?= 2
QEMU    := qemu-system-x86_64:qemu-system-x86 qemu-system-aarch64:qemu-system-arm qemu-system-riscv64:qemu-system-misc clang:clang ld.lld:lld gcc:gcc
ONE_THREAD = OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
export PATH := $(CURDIR)/$(BIN):$(PATH)
.PHONY: help venv llama system run test test-all docs docs-test lab bench facts notebooks readme clean distclean
.DEFAULT_GOAL := help

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(STAMP):
	@sh .ci/venv.sh $@ $(PIP_FLAGS)

venv: $(STAMP) ## Build .venv from constraints.txt (every target below does this when needed)
	@:

llama: $(STAMP) ## Build llama-cpp-python (5-11 minutes), so that its lessons run
	@sh .ci/llama.sh $(PIP_FLAGS)

system:
	@sh .ci/system.sh $(QEMU)

run: $(STAMP) system ## The whole path: text, model, quantized model, GGUF, kernel booted in QEMU that answers
	@echo "Running the whole path for tier $(TIER): SLM/configs/$(TIER).yaml"
	@slm_pipeline --config SLM/configs/$(TIER).yaml

test: $(STAMP) ## Every notebook's lessons and the C tests; ends with the counts
	@echo "Testing the lessons of every notebook, then the C runtime"
	@python .ci/count.py "lessons=python .ci/notebooks.py --workers $(WORKERS)" "C tests=make -s -C SLM/kernel test"

test-all: $(STAMP) system ## As test, with the lessons flagged slow and peers (and cuda where there is a GPU)
	@echo "Testing every lesson, flagged ones too, then the C runtime"
	@python .ci/count.py "lessons=python .ci/notebooks.py --workers $(WORKERS) --flags slow,peers,cuda" "C tests=make -s -C SLM/kernel test"

docs: $(STAMP) ## Render the site into _docs/ (Quarto when installed, else Sphinx)
	@echo "Rendering the notebooks into _docs/index.html"
	@$(ONE_THREAD) python docs/build.py

docs-test: docs ## Open every page of _docs/ in headless Chromium
	@sh .ci/system.sh chromium:chromium
	@echo "Opening every page of _docs/ in headless Chromium"
	@python docs/browser_test.py

lab: $(STAMP) ## JupyterLab on nbs/
	@echo "Starting JupyterLab in nbs/ (Ctrl-C twice stops it)"
	@jupyter lab --notebook-dir=nbs

bench: $(STAMP) system ## Measure ours beside the peers, boot kernels, fuzz; writes SLM/reports/ (the laptop corpus needs the network)
	@echo "Measuring; results go to SLM/reports/"
	@slm_pipeline --bench --config SLM/configs/$(TIER).yaml
	@slm_data --source debian --preset laptop
	@slm_bench
	@if [ -d SLM/models/checkpoints/tiny_10M ]; then slm_bench --only quantize; \
	else echo "quantize is left out: slm_train --config SLM/configs/tiny_10M.yaml makes its model"; fi

facts: $(STAMP) ## Rebuild data/facts.tsv from Debian packages (needs the network)
	@echo "Rebuilding data/facts.tsv from Debian packages"
	@slm_facts

notebooks: $(STAMP) ## Export the library, run the notebooks with outputs written back, clean them, remake README.md
	@echo "Exporting slm_nb/, running nbs/ with outputs written back, cleaning"
	@nbdev_export
	@python .ci/notebooks.py --save --workers $(WORKERS)
	@nbdev_export && nbdev_clean && python docs/readme.py

readme: $(STAMP) ## Write README.md from nbs/index.ipynb
	@python docs/readme.py

clean: ## Clean notebooks and remove build products (models and .venv stay)
	@echo "Removing _docs/ _proc/ jupyter_execute/ SLM/kernel/build/ and caches; cleaning notebooks"
	@rm -rf _docs _proc jupyter_execute SLM/kernel/build
	@find nbs slm_nb docs .ci SLM -name __pycache__ -prune -exec rm -rf {} + -o -name .ipynb_checkpoints -prune -exec rm -rf {} +
	@if [ -x $(BIN)/nbdev_clean ]; then nbdev_clean; fi

distclean: clean ## As clean, and remove .venv and everything that runs made
	@echo "Removing .venv and the data sets, checkpoints and images that runs made"
	@rm -rf .venv SLM/datasets SLM/models/checkpoints SLM/models/quantized SLM/models/exports SLM/models/integration SLM/kernel/slm
