#!/bin/sh
# Is there what everything else needs? One line for each thing that is not, with
# the command that fixes it.
missing=0

need() { # what, how to fix it
    echo "xenlet: $1: $2" >&2
    missing=1
}

newer='sudo apt-get install npm && sudo npx --yes n 22'
if ! command -v node >/dev/null; then
    need 'Node 20 or newer is missing' "$newer"
elif ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
    need "Node 20 or newer is needed, this is $(node --version)" "$newer"
fi
command -v npm >/dev/null || need 'npm is missing' 'sudo apt-get install npm'
command -v make >/dev/null || need 'make is missing' 'sudo apt-get install make'
command -v gcc >/dev/null || need 'gcc is missing' 'sudo apt-get install gcc'

exit $missing
