# SPDX-FileCopyrightText: 2026 The otpd authors
# SPDX-License-Identifier: Apache-2.0
#
#   make          install the packages that building needs, build build/otpd
#   make run      the same, then start the development server (more options: make run ARGS='…')
#   make test     everything, linters included; the last line counts
#   make check    unit tests, in seconds
#   make proof    what make test does of kills, power cuts and faults in short, in full: hours
#                 (less of it: make proof CUTS=60 KILLS=20)
#   make sim      the simulation from another seed: make sim SEED=7 ARGS='--minutes 600'
#   make fuzz     every fuzzer for T seconds: make fuzz T=60
#   make lint     layers, style, format, clang-tidy
#   make fmt      lay out the code
#   make bench    measure against nginx; writes a dated table
#   make phone-table  write src/address/phone_table.c anew, from the release that
#                 tools/phone-table.d/package.json names
#   make clean    remove all that was built
#
# Packages are asked for only when one is missing: tools/install-deps has the list.

ARGS =
SEED = 1
T = 60

.DEFAULT_GOAL = build
.PHONY: build run test check proof sim fuzz lint fmt bench phone-table clean
.PHONY: build-packages test-packages

build: build-packages
	@tools/build release

run: build
	@build/otpd serve --dev $(ARGS)

test: test-packages
	@tools/run-tests all

check: test-packages
	@tools/run-tests check

proof: test-packages
	@tools/run-tests proof

sim: test-packages
	@tools/build plain test/sim/sim
	@build-plain/test/sim/sim --seed $(SEED) $(ARGS)

fuzz: test-packages
	@FUZZ_SECONDS=$(T) tools/run-tests fuzz

lint: test-packages
	@tools/run-tests lint

fmt: test-packages
	@tools/format

bench: test-packages
	@tools/build release
	@bench/run

phone-table: test-packages
	cd tools/phone-table.d && npm ci
	@tools/phone-table

clean:
	rm -rf build build-plain build-asan build-tsan build-fuzz

build-packages:
	@tools/install-deps build

test-packages:
	@tools/install-deps test
