# The two targets that matter: `make run` runs Relevo, `make test` passes
# everything that a change must pass.

GO ?= go
GOFMT = $(shell $(GO) env GOROOT)/bin/gofmt
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

.DEFAULT_GOAL := build
.PHONY: build run test format vet staticcheck imports race deploy image golden bench bench-pg

build: ## one static binary, bin/relevo
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o bin/relevo ./cmd/relevo

run: ## the server with its data in ./data
	$(GO) run ./cmd/relevo serve

# In this order, so that what fails soonest is seen first.
test: format vet imports staticcheck race deploy ## all tests
	@echo "make test: everything passed"

format:
	@unformatted=$$($(GOFMT) -l $$(find . -name '*.go' -not -path './data/*' -not -path '*/node_modules/*')) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted; run gofmt -w on:"; echo "$$unformatted"; exit 1; fi

vet:
	$(GO) vet ./...

# Who may import whom; CONTRIBUTING.md has the table.
imports:
	CGO_ENABLED=1 $(GO) test -race -run 'Imports|Arrows|LookUp' ./cmd/relevo

staticcheck:
	$(GO) tool staticcheck ./...

# The race detector needs a C compiler.
race:
	CGO_ENABLED=1 $(GO) test -race -timeout 20m ./...

# The steps of the Dockerfile, without Docker.
deploy:
	bash testdata/deploy/check.sh

image: ## the container image; needs Docker
	docker build --build-arg VERSION=$(VERSION) -t relevo .

golden: ## rewrite the golden files; read the diff before you commit it
	$(GO) test ./api/hook -run Golden -update

# Figures of one run on one machine; leave it alone meanwhile.
bench-pg: ## accepts a second over PostgreSQL, claims, hand-overs
	RELEVO_BENCH_PG=1 $(GO) test ./api ./relay/store/pgstore -run '^TestBenchPG' -count=1 -v -p 1 -timeout 60m
	$(GO) test ./cmd/relevo -run '^TestADeadNode' -count=1 -v

bench: ## durable accepts a second, beside the same server without a store
	RELEVO_BENCH=1 $(GO) test ./api -run '^TestBench$$' -count=1 -v -timeout 20m
