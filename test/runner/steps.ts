import { aloneStep } from "./alone.js";
import { cStep } from "./c.js";
import { conformStep } from "./conform.js";
import { commandStep, type Step } from "./step.js";
import { vitestStep } from "./vitest.js";

/** By TypeScript 7, which takes a quarter of the time; eslint and the package's own users have the others. */
function typesStep(title: string, project: string): Step {
  return commandStep("types", title, "node", ["node_modules/typescript-7/bin/tsc", "-p", project]);
}

/** Everything that `make test` runs, in order: cheap first, boots last. */
export const steps: Step[] = [
  commandStep("lint", "eslint", "eslint", ["--max-warnings=0", "."]),
  commandStep(
    "imports",
    "no circle of imports, and folders as they may use each other",
    "depcruise",
    [
      ...["--config", "dependency-cruiser.config.js", "--output-type", "err"],
      ...["src", "test", "bench", "scripts"],
    ],
  ),
  commandStep("format", "prettier", "prettier", ["--check", "--log-level=warn", "."]),
  typesStep("tsc (sources, benchmarks, scripts)", "tsconfig.json"),
  typesStep("tsc (tests)", "test"),
  cStep("c", "gcc, no warnings (hypercall page)", "page"),
  cStep("c", "gcc, no warnings (direct hypercalls)", "direct"),
  aloneStep("alone", "the repository speaks of itself alone"),
  vitestStep("unit", "unit tests"),
  vitestStep("runtime", "the guest runtime against a fake hypervisor"),
  vitestStep("boot", "boots on a real Xen"),
  conformStep("conform", "soft reset conformance on every Xen"),
];

/** What takes too long for every change, and is run by its name only: minutes each. */
export const longSteps: Step[] = [
  vitestStep("install", "a new user's first hour, from a packed package"),
  vitestStep("linux", "Debian's Linux before and after our kernels"),
];
