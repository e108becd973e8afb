#!/bin/sh
# Installs exactly what package-lock.json names. npm itself is silent until it
# has finished unless it has a terminal, so a line every few seconds shows that
# it lives. No package needs its install script: none is run.
set -eu

echo "Installing the npm packages that package-lock.json names (once) ..." >&2
npm ci --no-progress --ignore-scripts --loglevel=error &
npm=$!
trap 'kill $npm 2>/dev/null; exit 130' INT TERM

seconds=0
while kill -0 $npm 2>/dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    if [ $((seconds % 5)) -eq 0 ]; then
        echo "  ... $seconds s, $(ls node_modules 2>/dev/null | wc -l) packages unpacked" >&2
    fi
done
wait $npm
