# Everything runs from here: make demo, make up, make test. A machine needs Go, git, make and a package manager;
# bin/local sets up the rest (see dev/README.md).

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Static binaries, as in the image; and what was built stays built when a C compiler arrives for the race detector.
export CGO_ENABLED := 0

# The Temporal server is built from these only, so that nothing else costs its minutes again.
TEMPORAL_SOURCES := dev/go.mod dev/go.sum $(wildcard dev/cmd/temporal/*.go dev/internal/ports/*.go dev/visibility/*)
# Who has a Temporal needs none built; the tests kill theirs, so they always use our own.
TEMPORAL := $(if $(TEMPORAL_ADDRESS),,bin/temporal)

.PHONY: help
help:
	@echo "make demo    plays the demo story on a stack of its own, in under a minute after the first build"
	@echo "make up      starts Postgres, Temporal, a worker and the console over months of made-up business, and stays; Ctrl-C stops,"
	@echo "             state is kept; BARE=1: the same where nothing has happened yet"
	@echo "make test    all tests, the end-to-end ones included"
	@echo "make bench   ours beside the references in one run; writes docs/benchmarks/engine.md; leave the machine alone meanwhile"
	@echo "make faults  ten rounds of crashes with 500 cases in flight; FAULTS='--rounds 50 --seed 7' for more"
	@echo "make lint    golangci-lint and workflowcheck"
	@echo "make doctor  what was found on this machine, which version, which port"
	@echo "make screenshots  pictures of the console and of the Temporal UI for the docs"
	@echo "make build   the binaries, in bin/"
	@echo "make clean   stops what runs, removes its data and bin/"

.PHONY: demo
demo: programme $(TEMPORAL)
	@exec bin/local demo

.PHONY: up
up: programme $(TEMPORAL)
	@exec bin/local up $(if $(BARE),--bare)

.PHONY: doctor
doctor: bin/local
	@bin/local doctor

.PHONY: clean
clean: bin/local
	@bin/local clean
	rm -rf bin

# -count=1: the end-to-end tests run binaries and servers, whose changes go test's cache does not see. The whole of
# dev/ is vetted, but cmd/temporal has no tests and is not built a second time with -race. The programme's tests come
# last, so that their result closes the output.
#
# In years and in the long property no threads meet that do not meet in short tests, too, and the race detector makes their
# part of the work four times as long: they run without it, beside the rest.
#
# Browsers and programs of their own do the work of $(APART): the race detector would watch who asks them, and slow that down.
APART := ./e2e ./e2e/faults ./web/gallery
YEARS := ^(TestAYearOfAProgramme|TestThreeYearsOfLongLives|TestGivenAnySequenceOfRequests_)
.PHONY: test
test: build bin/workflowcheck
	$(eval RACE := $(shell bin/local race))
	$(eval GOTEST := $(if $(RACE),CGO_ENABLED=1) go test $(RACE) -count=1 -timeout 45m)
	cd dev && go vet ./... && $(GOTEST) ./cmd/local/... ./internal/...
	cd dev/deploycheck && go vet ./... && go test ./...
	cd dev/alertcheck && go vet ./... && go test ./...
	go vet ./...
	cd bench && go vet ./...
	bin/workflowcheck ./...
	bin/local test -- sh -c '(go test -count=1 -timeout 45m -run "$(YEARS)" ./workflows && go test -p 3 -count=1 -timeout 45m $(APART)) & apart=$$!; \
		(cd bench && $(GOTEST) ./...) && $(GOTEST) -skip "$(YEARS)" ./workflows $$(go list ./... | grep -vxE "countersign/(e2e|e2e/faults|web/gallery)"); rest=$$?; \
		wait $$apart && exit $$rest'

# A quick smoke: make bench BENCH="--quick --out /tmp/bench"
.PHONY: bench
bench: programme bin/temporal
	@go build -C bench -o ../bin/bench ./engine
	@exec bin/bench $(BENCH)

# The worker is the harness's own build: it waits between COMMIT and answer, so that a crash meets this moment. See docs/faults.md.
.PHONY: faults
faults: programme bin/temporal
	@go build -tags faults -o bin/faults/worker ./worker
	@go build -o bin/faults/harness ./e2e/faults
	@COUNTERSIGN_BIN=$(CURDIR)/bin exec bin/faults/harness --worker bin/faults/worker $(FAULTS)

.PHONY: lint
lint: go bin/golangci-lint bin/workflowcheck
	bin/golangci-lint run ./...
	cd dev && ../bin/golangci-lint run --config ../.golangci.yml ./...
	cd bench && ../bin/golangci-lint run --config ../.golangci.yml ./...
	bin/workflowcheck ./...

.PHONY: build
build: programme bin/temporal

# Pictures for the docs: of the Temporal UI over the demo, and of the console's pages over a programme that has lived for months.
.PHONY: screenshots
screenshots: programme bin/temporal
	@cd dev && go build -o ../bin/screenshots ./cmd/screenshots
	@bin/screenshots docs/screenshots
	@rm -f docs/console/*.png
	@bin/local test -- go test ./web/gallery -count=1 -run TestGivenTheAlbum_ -pictures $(CURDIR)/docs/console

# go build knows best what is stale; it takes a second when nothing is.
.PHONY: programme bin/local
programme: bin/local
	@go build -o bin/ ./worker ./starter ./server
bin/local: go
	@cd dev && go build -o ../bin/local ./cmd/local

bin/temporal: $(TEMPORAL_SOURCES) | go
	@echo "Building the Temporal server: about four minutes on two cores the first time, seconds later."
	@cd dev; go build -o ../$@ ./cmd/temporal & build=$$!; \
	trap 'kill $$build 2>/dev/null' EXIT; \
	while kill -0 $$build 2>/dev/null; do \
		sleep 1; (( SECONDS % 10 )) || echo "  ... still building, $$SECONDS s"; \
	done; \
	wait $$build; trap - EXIT; echo "Built in $$SECONDS s."

# The tools' dependencies live in a go.mod of their own.
bin/workflowcheck: dev/tools/go.mod dev/tools/go.sum | go
	cd dev/tools && go build -o ../../$@ go.temporal.io/sdk/contrib/tools/workflowcheck
bin/golangci-lint: dev/tools/go.mod dev/tools/go.sum | go
	@echo "Building golangci-lint: about a minute on two cores, once."
	cd dev/tools && go build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

# dev/ asks for the newest Go. A go command that is older refuses its go.mod, or fetches the right one by itself where
# it may (GOTOOLCHAIN).
.PHONY: go
go:
	@(cd dev && go list -m) >/dev/null 2>&1 || { \
		echo "Go $$(sed -n 's/^go //p' dev/go.mod) or newer is needed; found: $$(GOTOOLCHAIN=local go version 2>/dev/null || echo none)" >&2; exit 1; }
