# Shortcuts for people who have `just`; each is one plain command.

# Everything that CI checks.
test:
    ./scripts/test

# Formats the code.
format:
    cargo fmt --all

# Rewrites what tests compare with: scenarios, the schema, snapshots. Read the diff afterwards.
update:
    UPDATE=1 INSTA_UPDATE=always cargo test

# Plans the flagship in the sandbox.
plan *args:
    cargo sandbox plan {{args}}

# Applies the flagship in the sandbox.
apply *args:
    cargo sandbox apply {{args}}

# Lives so many simulated lives.
simulate count="100000":
    ATLAS_SEEDS={{count}} cargo test --release --test it ten_thousand -- --nocapture
