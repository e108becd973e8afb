/* wasm2c includes it for tail calls. */
#pragma once
#define alloca __builtin_alloca
