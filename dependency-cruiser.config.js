// Which folder may import from which, and that nothing imports itself by way of others. `make lint` reads this;
// docs/architecture.md has the folders with what each is for.

/** Of src/host: each folder with those that it may use. What stands further up knows more. */
const HOST = {
  base: [],
  cache: ["base"],
  elf: ["base"],
  protocol: ["base", "elf"],
  debian: ["base", "cache"],
  build: ["base", "cache", "elf"],
  core: ["base", "elf"],
  xl: ["base", "cache", "debian", "elf", "protocol"],
  boot: ["base", "build", "cache", "core", "debian", "elf", "protocol", "xl"],
  report: ["base"],
  suites: ["base", "boot", "build", "cache", "debian", "elf", "protocol", "report", "xl"],
  cli: [
    ...["base", "boot", "build", "cache", "debian", "elf", "protocol", "report", "suites"],
    "xl",
  ],
};

/** @type {import("dependency-cruiser").IForbiddenRuleType[]} */
const directions = Object.entries(HOST).map(([folder, others]) => ({
  name: `host-${folder}`,
  comment: `src/host/${folder} may import from: ${others.join(", ") || "nothing but itself"}`,
  severity: "error",
  from: { path: `^src/host/${folder}/` },
  to: { path: "^src/", pathNot: `^src/host/(${[folder, ...others].join("|")})/` },
}));

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-circle",
      comment: "neither of values nor of types: what both need is a file of its own",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "host-folder-unknown",
      comment: "a folder of src/host has its line in dependency-cruiser.config.js",
      severity: "error",
      from: { path: "^src/host/[^/]+/", pathNot: `^src/host/(${Object.keys(HOST).join("|")})/` },
      to: {},
    },
    ...directions,
    {
      name: "host-library",
      comment: "the library does what it does without the command",
      severity: "error",
      from: { path: "^src/host/index\\.ts$" },
      to: { path: "^src/host/(cli|suites)/" },
    },
    {
      name: "guest-internal",
      comment: "what is internal does not build on the public entries, which are made of it",
      severity: "error",
      from: { path: "^src/guest/xenlet/internal/" },
      to: { path: "^src/guest/xenlet/[^/]+\\.ts$" },
    },
    {
      name: "guest-toolstack",
      comment: "a guest is made without a toolstack, and a toolstack without our suites",
      severity: "error",
      from: { path: "^src/guest/(xenlet|toolstack|bindings)/" },
      to: { path: "^src/guest/conformance/" },
    },
    {
      name: "two-worlds",
      comment:
        "no file of Node's is a guest's, or the other way round; what both know is generated or asked for",
      severity: "error",
      from: { path: "^src/host/" },
      to: { path: "^src/guest/" },
    },
    {
      name: "two-worlds-back",
      severity: "error",
      from: { path: "^src/guest/" },
      to: { path: "^src/host/" },
    },
    {
      name: "product",
      comment: "what is delivered needs nothing of the tests",
      severity: "error",
      from: { path: "^src/" },
      to: { path: "^(test|bench|scripts)/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(dist|test/fixtures/runner)/" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
  },
};
