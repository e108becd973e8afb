# Every target does its own set-up, without root, and needs no network the
# second time: packages are installed when package-lock.json has changed, the
# bundle is made when a source has changed.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# A target that failed half-way must not look finished.
.DELETE_ON_ERROR:

PACKAGES := node_modules/.package-lock.stamp
SOURCES  := $(shell find src/host scripts -type f \( -name '*.ts' -o -name '*.js' \) -print)
# What `make test` runs, from: $(STEPS) and $(LONG). Empty: all of the former.
STEPS    := lint imports format types c alone unit runtime boot conform
LONG     := install linux
ONLY     ?=

.PHONY: api help demo test lint bench fuzz fuzz-channel wast soak build format clean tools

help:
	@echo 'make demo    boot guests on a real Xen and narrate each step'
	@echo 'make test    run the checks and the tests; ONLY=unit,boot picks from:'
	@echo '             $(STEPS);'
	@echo '             by its name only: $(LONG) (the package as it is installed, minutes; Debian'"'"'s Linux as a'
	@echo '             peer, a quarter of an hour)'
	@echo 'make soak    what is long: ONLY=boots,fuzz,…, HOURS=; continues where it ended (docs/testing.md)'
	@echo 'make lint    only what reads the sources: eslint, prettier, tsc, gcc warnings'
	@echo 'make bench   measure, and print the figures of docs/performance.md'
	@echo 'make fuzz    random modules in a guest against V8, tens of thousands: MODULES=, SEED=, FLAGS='
	@echo 'make wast    scripts of the specification'"'"'s kind (.wast) in a guest: FILES= (default: test/wast/chapters)'
	@echo 'make fuzz-channel  random arguments, environments, inputs and outputs, compared: VECTORS=, SEED='
	@echo 'make build   bundle the xenlet command and library into dist/'
	@echo 'make api     write docs/api, the reference of the public API, from the docstrings'
	@echo 'make format  lay out the sources as `make lint` wants them'
	@echo 'make clean   remove what these targets made here (the download cache is'
	@echo '             `xenlet cache prune`'"'"'s business)'

demo: dist/cli.js
	@node dist/cli.js demo

test: dist/host.d.ts
	@node scripts/run-ts.js test/run.ts $(if $(ONLY),--only $(ONLY))

soak: dist/host.d.ts
	@node scripts/run-ts.js test/soak/main.ts $(if $(ONLY),--only $(ONLY)) $(if $(HOURS),--hours $(HOURS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(XEN),--xen $(XEN))

lint: $(PACKAGES)
	@node scripts/run-ts.js test/run.ts --only lint,imports,format,types,c,alone

bench: dist/cli.js
	@node scripts/run-ts.js bench/run.ts

fuzz: dist/cli.js
	@node scripts/run-ts.js test/fuzz/main.ts $(if $(MODULES),--modules $(MODULES)) $(if $(SEED),--seed $(SEED)) $(if $(FLAGS),--flags="$(FLAGS)")

wast: dist/cli.js
	@node scripts/run-ts.js test/wast/main.ts $(FILES)

fuzz-channel: dist/cli.js
	@node scripts/run-ts.js test/fuzz/channel-main.ts $(if $(VECTORS),--vectors $(VECTORS)) $(if $(SEED),--seed $(SEED))

build: dist/host.d.ts

api: dist/host.d.ts
	@node scripts/api-docs.js

format: $(PACKAGES)
	@node_modules/.bin/prettier --write --log-level warn .

clean:
	rm -rf dist prebuilt coverage node_modules

# Set-up ---------------------------------------------------------------------

tools:
	@scripts/check-tools.sh

$(PACKAGES): package-lock.json .npmrc | tools
	@scripts/npm-ci.sh
	@touch $@

dist/cli.js: $(PACKAGES) $(SOURCES) package.json
	@node scripts/bundle.js

dist/host.d.ts: dist/cli.js $(shell find src/guest/xenlet src/guest/toolstack -name '*.ts') scripts/types.js tsconfig.build.json
	@node scripts/types.js
