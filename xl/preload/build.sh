#!/bin/sh
# Builds soft_reset.so for the libxl whose headers are there (Debian: libxen-dev), into the current folder or $1.
# ROOT: where a libxen-dev that is only unpacked has its `/`. CC, CFLAGS: as usual.
set -eu

here=$(dirname "$0")
output=${1:-soft_reset.so}
libraries=${ROOT:-}/usr/lib/$(${CC:-gcc} -print-multiarch)
# libxenlight.so is a link to libxenlight.so.4.17.0, say; what a program asks for is libxenlight.so.4.17.
target=$(readlink "$libraries/libxenlight.so") || {
    echo "xl/preload/build.sh: $libraries/libxenlight.so is missing: sudo apt-get install libxen-dev" >&2
    exit 1
}
soname=$(basename "$target" | sed 's/^\(libxenlight\.so\.[0-9]*\.[0-9]*\).*/\1/')

# Its symbols are those of libxl's own process: it is not linked to anything.
${CC:-gcc} -std=gnu11 -O2 -Wall -Wextra -Werror ${CFLAGS:-} -isystem "${ROOT:-}/usr/include" \
    -DLIBXL_SONAME="\"$soname\"" -fPIC -shared -Wl,-z,lazy -o "$output" "$here/soft_reset.c"
