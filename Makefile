# The words of the house. `make help` lists them.

GO       ?= go
TOOL     := $(GO) tool -modfile=$(CURDIR)/tools/go.mod
SEEDS    ?= 200
FUZZTIME ?= 10s
BENCH    ?= .
BASE     ?= HEAD~1
TIMES    ?= 6
DEPTH    ?= 4
STREAMS  ?= 10000
KILLS    ?= 200
CRASH    ?=
MINUTES  ?= 20
STORIES  ?= .
MONGOSEEDS ?= 500
MONGOFAST  ?= java
OUTAGES  ?= .
OUTAGE   ?= -kills 10 -others 200 -every 1
RACE     := ./sync/... ./auth/... ./client/... ./store/...

.DEFAULT_GOAL := help
.PHONY: help run test test-mongo mongo-engines mongo-testbin outage check fmt vet lint gen generated race sim model mutants bind android bench bench-compare load overload crash soak bomb fair live wake ring fuzz build

help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## a demo server with data, phones and an admin, on one machine
	$(GO) run ./cmd/lumbung demo

test: ## all tests
	$(GO) test -timeout 20m ./...

check: fmt vet lint generated test race ## everything a change must pass

fmt: ## fail if a file is not formatted
	@out=$$(gofmt -l $$(find . -name '*.go' -not -path './.git/*')); \
	if [ -n "$$out" ]; then echo "not formatted:"; echo "$$out"; exit 1; fi

vet: ## go vet
	$(GO) vet ./...

lint: ## staticcheck, pinned in tools/go.mod
	$(TOOL) staticcheck ./...

gen: ## write generated files anew
	$(GO) generate ./...

generated: ## fail if a generated file is not what its source gives
	.ci/generated

race: ## the concurrent packages under the race detector
	CGO_ENABLED=1 $(GO) test -race $(RACE)
	CGO_ENABLED=1 $(GO) test -race -run Live ./api

sim: ## the simulator on both stores: make sim SEEDS=1000
	$(GO) run ./cmd/lumbung sim -seeds $(SEEDS) -store sqlite
	$(GO) run ./cmd/lumbung sim -seeds $(SEEDS) -store poor

model: ## every small history, of up to four edits: make model DEPTH=3
	GOGC=400 $(GO) test ./internal/sim/model -run TestEveryHistory -v -timeout 120m -args -depth $(DEPTH)

mutants: ## plant every known mistake and see it caught
	$(GO) run ./internal/sim/mutants

bind: ## bind package client for other languages; fails if anything is left out
	.ci/bind

android: ## run docs/android.md on a Java machine; wants a JDK, Maven and gcc
	.ci/android

test-mongo: ## contract, stories and seeds on MongoDB; starts engines unless LUMBUNG_TEST_MONGO names a server
	.ci/mongo $(GO) test -v -timeout 60m ./store/mongo/...
	MONGO_ENGINE=$(MONGOFAST) .ci/mongo $(GO) test -v -timeout 120m -run '$(STORIES)' ./internal/play
	MONGO_ENGINE=$(MONGOFAST) .ci/mongo $(GO) test -v -timeout 60m -run 'MongoDB|Twice|TwoHundredDays|Parallel' ./internal/sim ./auth
	MONGO_ENGINE=$(MONGOFAST) .ci/mongo sh -c '$(GO) run ./cmd/lumbung sim -seeds $(MONGOSEEDS) -store "$$LUMBUNG_TEST_MONGO"'

outage: ## two processes, kills and a bad network on MongoDB: make outage OUTAGES=TestNetworkTrouble
	MONGO_ENGINE=$(MONGOFAST) .ci/mongo $(GO) test -v -timeout 60m -run '$(OUTAGES)' ./internal/outage -args $(OUTAGE)

mongo-engines: ## the contract on the other engines; wants a JDK and Maven
	cd tools/ferret && $(GO) vet . && $(GO) test .
	.ci/contract java
	.ci/contract ferret

mongo-testbin: build ## the same as programs, in bin/, that run anywhere against LUMBUNG_TEST_MONGO
	CGO_ENABLED=0 $(GO) test -c -trimpath -o bin/mongo-contract.test ./store/mongo
	CGO_ENABLED=0 $(GO) test -c -trimpath -o bin/mongo-scratch.test ./store/mongo/scratch
	CGO_ENABLED=0 $(GO) test -c -trimpath -o bin/mongo-stories.test ./internal/play
	CGO_ENABLED=0 $(GO) test -c -trimpath -o bin/mongo-sim.test ./internal/sim
	CGO_ENABLED=0 $(GO) test -c -trimpath -o bin/mongo-outage.test ./internal/outage

bench: ## benchmarks: make bench BENCH=Push
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

bench-compare: ## benchmarks beside those of a commit: make bench-compare BASE=HEAD~1 BENCH=Resolve
	.ci/compare '$(BASE)' '$(BENCH)' $(TIMES)

load: build ## how fast pushes, pulls and syncs are: make load LOAD='-larger=false -json'
	bin/lumbung load speed $(LOAD)

overload: build ## four times what the server can do, for a minute
	bin/lumbung load overload $(OVERLOAD)

crash: build ## the server killed under load, cuts of the power, a disk that fails: make crash KILLS=200; wants strace, and root for small disks
	CGO_ENABLED=0 $(GO) build -trimpath -tags failpoints -o bin/lumbung-failpoints ./cmd/lumbung
	bin/lumbung load crash -kills $(KILLS) $(CRASH)

soak: build ## every kind of use for a while, and whether anything grows: make soak MINUTES=5
	bin/lumbung load soak -time $(MINUTES)m $(SOAK)

bomb: build ## bodies that inflate to 512 MB
	bin/lumbung load bomb

fair: build ## phones with 50,000 edits come back among others: make fair FAIR='-edits 4000 -crowd 3'
	bin/lumbung load fair $(FAIR)

wake: build ## 478 applicants look for their results when these are told: make wake WAKE='-within 5s'
	bin/lumbung load wake $(WAKE)

ring: build ## their phones ring, and the server is killed meanwhile: make ring RING='-kills 10 -seed 7'
	bin/lumbung load ring $(RING)

live: build ## live streams against the program: make live STREAMS=500
	bin/lumbung load live -streams $(STREAMS)

fuzz: ## every fuzz target for a while: make fuzz FUZZTIME=30s
	.ci/fuzz $(FUZZTIME)

build: ## the static binary, in bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/lumbung ./cmd/lumbung
