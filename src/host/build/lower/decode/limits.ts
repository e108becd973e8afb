// How large a module may be. These are the limits of V8 (src/wasm/wasm-limits.h) and of the other engines
// (https://webassembly.github.io/spec/js-api/#limits), so a module that runs in a browser is within them.

export const LIMITS = {
  types: 1_000_000,
  functions: 1_000_000,
  imports: 1_000_000,
  exports: 1_000_000,
  globals: 1_000_000,
  dataSegments: 100_000,
  elementSegments: 10_000_000,
  elementsOfSegment: 10_000_000,
  tables: 100_000,
  tableElements: 10_000_000,
  memoryPages: 65_536,
  parameters: 1_000,
  results: 1_000,
  locals: 50_000,
  functionBytes: 7_654_321,
  branchTargets: 65_520,
  nameBytes: 100_000,
} as const;
