# What can be made. `make help` lists it. Recipes are short; what is longer lies in scripts/.

PREFIX ?= /usr/local
RUNG = .build/release/rung
# Tests that build a Python environment from a package index; 0 leaves them out.
RUNG_TEST_ENVIRONMENT ?= 1

.PHONY: build build-bench demo test python-test browser-test slurm-test remote-test lint layers format bench bench-full gallery gallery-universes soak fuzz install help

build: ## the command and what it starts, optimised, as .build/release/rung, rung-step and rung-transfer
	swift build -c release --disable-local-rpath --product rung
	swift build -c release --static-swift-stdlib --disable-local-rpath --product rung-step
	swift build -c release --static-swift-stdlib --disable-local-rpath --product rung-transfer

build-bench: ## what the benchmarks of the store and of remote caches time them with, optimised
	swift build -c release --static-swift-stdlib --disable-local-rpath --product rung-store-bench
	swift build -c release --static-swift-stdlib --disable-local-rpath --product rung-remote-bench

demo: ## install what is missing, build, run the example pipeline, say where its figure is
	scripts/setup
	$(MAKE) --no-print-directory build
	$(RUNG) run double-descent
	@echo "The figure: $(CURDIR)/pipelines/double-descent/figures/double-descent.svg (and .png)"

test: ## install what is missing, build and run the whole test suite; as root, also on a Slurm and with remote caches
	scripts/setup
	swift build --build-tests
	RUNG_TEST_ENVIRONMENT=$(RUNG_TEST_ENVIRONMENT) swift test --skip-build --parallel --disable-xctest
	RUNG_BINARY=$(CURDIR)/.build/debug/rung scripts/python-test
	scripts/slurm_test.py --rounds $(or $(ROUNDS),2) || test $$? = 77
	scripts/remote_test.py || test $$? = 77

python-test: ## the notebook package in python/ with a program that is built: RUNG_BINARY, or one in .build
	scripts/python-test

browser-test: ## the pages of `rung report` in chromium: clicks, accessibility, 10,000 instances, screenshots
	scripts/browser-test

slurm-test: ## `rung run --executor slurm` on a real Slurm that is made for it (as root): faults, GPUs, bytes; ROUNDS (6)
	scripts/setup
	scripts/slurm_test.py --rounds $(or $(ROUNDS),6)

remote-test: ## two machines that share a remote cache, each in a network of its own (as root): faults of every kind
	scripts/setup
	scripts/remote_test.py

lint: layers ## formatting, rings, shell and Python syntax
	scripts/lint

layers: ## the imports and dependencies against the table of rings
	scripts/layers --self-test
	scripts/layers

format: ## rewrite the Swift sources in the house's layout
	swift format -i -r -p Sources Tests $(wildcard Benchmarks) Package.swift

bench: build build-bench ## the benchmarks that take some minutes
	Benchmarks/run
	Benchmarks/store
	Benchmarks/scale
	Benchmarks/remote

bench-full: build build-bench ## all benchmarks, and what users would take instead; hours, 40 GiB
	Benchmarks/run --full
	Benchmarks/store --full --peers
	Benchmarks/scale --full
	Benchmarks/remote --full

# The experiments under pipelines/ but for the benchmarks.
GALLERY = $(filter-out benchmarks,$(notdir $(patsubst %/pipeline.yaml,%,$(wildcard pipelines/*/pipeline.yaml))))

gallery: ## all experiments under pipelines/, their figures and claims, and whether the claims are sharp
	scripts/setup
	$(MAKE) --no-print-directory build
	$(RUNG) run $(GALLERY)
	$(RUNG) claims
	$(RUNG) claims --json | scripts/gallery-check

gallery-universes: build ## how often the claims come out otherwise in three fresh universes
	scripts/gallery-universes

soak: ## the store's tests at length: crashes, failing calls, killed processes; SOAK_MINUTES (10)
	scripts/soak

fuzz: ## every decoder of the store and of the formats of files against libFuzzer; FUZZ_MINUTES (10)
	scripts/fuzz

install: build ## the command, completions and the manual page below PREFIX (/usr/local)
	scripts/install "$(DESTDIR)$(PREFIX)"

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | awk -F '\t' '{ printf "make %-11s %s\n", $$1, $$2 }'
