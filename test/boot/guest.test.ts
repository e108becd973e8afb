// Every test in test/guest/, each file a guest of its own on a real Xen, its assertions by name.
// Why: what a guest can expect of Xen and of the runtime is said by guests, in the language that guests are
// written in. Fails with each assertion that does not hold, and for a file that does not build, boot or end.

import { availableParallelism } from "node:os";

import { findTestFiles, runTestFiles } from "../../src/testing/run-files.js";
import { qemu, xen } from "./ground.js";
import { registerGuestTests } from "./guest-tests.js";

const { files } = await runTestFiles(await findTestFiles(["test/guest"]), {
  xen,
  qemu,
  jobs: availableParallelism(),
  testTimeoutMs: 60_000,
  timeoutMs: 180_000,
});
for (const file of files) registerGuestTests(file);
