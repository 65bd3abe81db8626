# The front door. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test setup peers ledgersmb mssql tools bench crash model fuzz audit js

CARGO ?= cargo
# What is built in where everything is tested: ODBC needs unixODBC, which `make setup` installs and the demo does without.
FEATURES := --features remitd/odbc,remitd-host/odbc
# Passed on to the demo, for example DEMO_ARGS="--once --json".
DEMO_ARGS ?=
GUEST := wasm32-unknown-unknown
OPPONENT := $(CURDIR)/target/extism

help: ## list these targets
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/:.*## /\t/' | expand -t 10

demo: tools ## build remitd and walk its whole road, with nothing to install
# The debug profile: half of the release build's time, and quick enough to look at (its hot parts are optimised).
	$(CARGO) build --locked -p remitd
	target/debug/remitd demo $(DEMO_ARGS)

test: setup ## everything that a change must pass
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace $(FEATURES) --all-targets -- -D warnings
	$(MAKE) --no-print-directory js
# Examples in the documentation first: the last line is then a summary of real tests.
	$(CARGO) test --locked --workspace $(FEATURES) --doc
	$(CARGO) test --locked --workspace $(FEATURES) --test javascript -- --ignored
	$(CARGO) test --locked --workspace $(FEATURES) --lib --bins --tests

js: setup ## build and test the plugin in JavaScript
	npm --prefix plugins/mail-api ci --no-audit --no-fund
	npm --prefix plugins/mail-api test
	npm --prefix plugins/mail-api run test:component
	mkdir -p target/plugins
	npm --prefix plugins/mail-api run build -- $(CURDIR)/target/plugins/mail-api.wasm

bench: setup ## measure, against independent ways of doing the same
# The opponent is a workspace of its own: its wasmtime is another one.
	$(CARGO) build --locked --release --manifest-path tests/extism/Cargo.toml --target-dir $(OPPONENT)
	$(CARGO) build --locked --profile guest --target $(GUEST) -p extism-describe --manifest-path tests/extism/Cargo.toml --target-dir $(OPPONENT)
	REMITD_EXTISM=$(OPPONENT) $(CARGO) bench --locked -p remitd

crash: setup ## kill the daemon 200 times on each database, 100 times in long imports, 1,000 times in write-back on each of three matter databases, and compare the books
	REMITD_CRASH_KILLS=$${REMITD_CRASH_KILLS:-200} REMITD_CRASH_IMPORTS=$${REMITD_CRASH_IMPORTS:-100} REMITD_CRASH_POSTINGS=$${REMITD_CRASH_POSTINGS:-1000} $(CARGO) test --locked --workspace --test crash -- --nocapture

model: tools ## walk every order of payments, refunds, postings and hands in the books, seven deep
	REMITD_MODEL_DEPTH=$${REMITD_MODEL_DEPTH:-7} $(CARGO) test --locked --workspace --test effects no_order -- --nocapture

fuzz: tools ## let every importer read 20,000 odd files, on this machine and in the sandbox
	REMITD_FUZZ_RUNS=$${REMITD_FUZZ_RUNS:-20000} $(CARGO) test --locked --workspace --test fuzz -- --nocapture

audit: tools ## licences, advisories and sources of every dependency
	@command -v cargo-deny >/dev/null || $(CARGO) install --locked cargo-deny
	$(CARGO) deny --locked check

# What every build needs.
tools:
	@command -v $(CARGO) >/dev/null || { echo "remitd is written in Rust: install it with rustup (1.95 or newer), then try again." >&2; exit 2; }
	@command -v cc >/dev/null || { echo "SQLite is compiled in: install a C compiler (Debian: apt-get install gcc libc6-dev), then try again." >&2; exit 2; }
	@test -d "$$(rustc --print target-libdir --target $(GUEST))" || rustup target add $(GUEST) || { echo "Plugins are compiled to WebAssembly: run 'rustup target add $(GUEST)', then try again." >&2; exit 2; }

# The servers by others that the tests talk to: Debian's PostgreSQL (its binaries; no cluster of the system is made or
# started), its MariaDB (the binaries alone, without the service), unixODBC with the drivers of SQLite and PostgreSQL, FreeTDS, aiosmtpd, and sqlite3 for comparison in the benchmarks; Node.js with npm for the plugin in JavaScript, unless some are
# there already. Quick when all are there.
READERS := tests/readers/requirements.txt
PEERS := postgresql mariadb-server-core mariadb-client-core unixodbc-dev unixodbc libsqliteodbc odbc-postgresql freetds-bin libssl-dev pkg-config python3-aiosmtpd python3-venv sqlite3 $(shell command -v npm >/dev/null || echo nodejs npm)
HAVE_PEERS := ls /usr/lib/postgresql/*/bin/initdb /usr/sbin/mariadbd /usr/bin/mariadb-install-db /usr/bin/mariadb /usr/bin/sqlite3 /usr/include/sql.h /usr/bin/tsql /usr/include/openssl/ssl.h && odbcinst -q -d -n SQLite3 && odbcinst -q -d -n 'PostgreSQL Unicode' && /usr/bin/python3 -c 'import aiosmtpd' && python3 -c 'import ensurepip' && command -v node npm pkg-config

setup: tools peers ledgersmb mssql ## install what the tests need (as root on Debian)
# Readers by others, in Python, of the files that remitd reads and writes: in a place of their own, as pinned.
	@cmp -s $(READERS) target/python/requirements.txt || { \
		rm -rf target/python; \
		python3 -m venv target/python; \
		target/python/bin/pip install -q --disable-pip-version-check --no-deps -r $(READERS); \
		cp $(READERS) target/python/; \
	}

peers:
	@if { $(HAVE_PEERS); } >/dev/null 2>&1; then exit 0; fi; \
	if ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then \
		echo "The tests need: $(PEERS). On Debian run 'make setup' as root." >&2; exit 2; \
	fi; \
	mkdir -p /etc/postgresql-common; \
	test -e /etc/postgresql-common/createcluster.conf || echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf; \
	export DEBIAN_FRONTEND=noninteractive; \
	apt-get update -q; \
	apt-get install -q -y --no-install-recommends $(PEERS); \
	{ $(HAVE_PEERS); } >/dev/null

# Microsoft's mock of a SQL Server, a workspace of its own: it brings another TLS.
mssql: tools peers
	@$(CARGO) build --quiet --locked --manifest-path tests/mssql/Cargo.toml --target-dir $(CURDIR)/target/mssql

# LedgerSMB's tables and procedures, without LedgerSMB: Debian's package is unpacked here, not installed. The tests that load them
# are for its version 1.6, and say that they are skipped where there is none.
ledgersmb:
	@test -d target/ledgersmb && exit 0; \
	mkdir -p target/ledgersmb.new && cd target/ledgersmb.new && rm -f *.deb; \
	get() { apt-get -q -o APT::Sandbox::User=root download 'ledgersmb=1.6*'; }; \
	get || { apt-get update -q && get; } || { echo "There is no package ledgersmb 1.6 here: its tests are skipped." >&2; exit 0; }; \
	dpkg-deb --fsys-tarfile ledgersmb_*.deb | tar -x ./usr/share/ledgersmb/sql; \
	rm *.deb; \
	mv ../ledgersmb.new ../ledgersmb
