#!/bin/sh
# Is there what everything else needs? One line for each thing that is not, with
# the command that mends it.
missing=0

need() { # what, how to mend it
    echo "xenlet: $1: $2" >&2
    missing=1
}

node20='sudo apt-get install npm && sudo npx --yes n 20'
if ! command -v node >/dev/null; then
    need 'Node 20 or newer is missing' "$node20"
elif ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    need "Node 20 or newer is needed, this is $(node --version)" "$node20"
fi
command -v npm >/dev/null || need 'npm is missing' 'sudo apt-get install npm'
command -v make >/dev/null || need 'make is missing' 'sudo apt-get install make'
command -v gcc >/dev/null || need 'gcc is missing' 'sudo apt-get install gcc'

exit $missing
