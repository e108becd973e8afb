// Every test in test/guest/, each file a guest of its own on a real Xen, its assertions by name: as a domain of our own
// toolstack, and as Xen's dom0.
// Why: what a guest can expect of Xen and of the runtime is said by guests, in the language that guests are
// written in; and most of it shall hold for whatever domain the guest is. Fails with each assertion that does not hold,
// and for a file that does not build, boot or end.

import { availableParallelism } from "node:os";
import { describe } from "vitest";

import { findTestFiles, runTestFiles } from "../../src/host/suites/guest-tests/run-files.js";
import { readSettings } from "../../src/host/suites/guest-tests/settings.js";
import { qemu, xen } from "./setup.js";
import { registerGuestTests } from "./guest-tests.js";

const all = await findTestFiles(["test/guest"]);
const only = new Map(
  await Promise.all(all.map(async (file) => [file, (await readSettings(file)).on] as const)),
);

for (const on of ["domu", "dom0"] as const) {
  const { files } = await runTestFiles(
    all.filter((file) => (only.get(file) ?? on) === on),
    { xen, qemu, on, jobs: availableParallelism(), testTimeoutMs: 60_000, timeoutMs: 180_000 },
  );
  describe(`on ${on}`, () => {
    for (const file of files) registerGuestTests(file);
  });
}
