# The front door. `make run` and `make test` install what they need and cache it in $LSDEPLOY_CACHE.
.DEFAULT_GOAL := help
.PHONY: help run run-lab test test-okd311 lab lab-down lint sweep bench bench-smoke bench-dns dns-table dns-probe fifty fuzz fuzz-dns release clean

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/; s/[$$][$$]/$$/' | expand -t 12

run: ## Run the main job on this machine: one environment, every endpoint proved (ARGS= adds flags of `up`)
	@tests/run-main-job local $(ARGS)

run-lab: ## Run the main job on a cluster, the lab's
	@tests/run-main-job lab $(ARGS)

test: ## Run every test, those on the lab included
	@tests/run

test-okd311: ## Run the acceptance tests on the lab's OpenShift 3.11 (the first time: builds Kubernetes 1.20)
	@tests/okd311

lab: ## Start the lab and leave it running; `eval "$$(tests/lab/lab env)"` points kubectl at it
	@tests/lab/lab up

lab-down: ## Stop the lab
	@tests/lab/lab down

sweep: ## Kill `up` and `down` at every request, fail every kind of request in every way (an hour)
	@tests/sweep

lint: ## Formatting, clippy, dependencies
	@tests/lint

dns-table: ## Break DNS in 60 ways on real resolvers, and print what `dns-debug` found
	@tests/dns-table --no-default-features

bench: ## Compare with kubectl on the lab (release build)
	@tests/bench/run

bench-smoke: ## Compare `smoke` with boto3 and the AWS CLI on a moto server (release build)
	@tests/bench/smoke

bench-dns: ## Time the rounds of `dns-debug` on real resolvers against `dig`
	@tests/bench/dns

fifty: ## Bring up fifty environments at once on the lab, one of them poisoned (release build)
	@tests/bench/fifty

fuzz: ## Feed what reads settings, manifests, kubeconfigs and live objects with nonsense for MINUTES= (10)
	@tests/bench/fuzz trust $(MINUTES)

fuzz-dns: ## Feed the parsers of `dns-debug` with nonsense for MINUTES= (10)
	@tests/bench/fuzz dns $(MINUTES)

dns-probe: ## Build the static program that `dns-debug` sends to vantages, and print its path
	@tests/dns-probe

release: ## Build the release binary, and beside it the probe that travels
	cargo build --release --locked --bin lsdeploy
	install -m 755 "$$(tests/dns-probe)" "$${CARGO_TARGET_DIR:-target}/release/"

clean: ## Stop the lab and delete what builds made; the cache stays
	-tests/lab/lab down
	cargo clean
