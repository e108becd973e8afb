// Every test in test/guest/, each file a guest of its own on a real Xen, its assertions by name: as a domain of our own
// toolstack, and as Xen's dom0 where a file has tests that need it; in long form all of them.
// Why: what a guest can expect of Xen and of the runtime is said by guests, in the language that guests are
// written in; and most of it shall hold for whatever domain the guest is. Fails with each assertion that does not hold,
// and for a file that does not build, boot or end.

import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { describe } from "vitest";

import { findTestFiles, runTestFiles } from "../../src/host/suites/guest-tests/run-files.js";
import { readSettings } from "../../src/host/suites/guest-tests/settings.js";
import { extent } from "../fixtures/extent.js";
import { qemu, xen } from "./setup.js";
import { registerGuestTests } from "./guest-tests.js";

const WAYS = ["domu", "dom0"] as const;
type Way = (typeof WAYS)[number];

async function waysOf(file: string): Promise<readonly Way[]> {
  const { on } = await readSettings(file);
  if (on !== undefined) return WAYS.filter((way) => way === on);
  const needsDom0 = (await readFile(file, "utf8")).includes('needs("dom0")');
  return extent(needsDom0 ? WAYS : ["domu"], WAYS);
}

const all = await findTestFiles(["test/guest"]);
const ways = new Map(
  await Promise.all(all.map(async (file) => [file, await waysOf(file)] as const)),
);

for (const on of WAYS) {
  const { files } = await runTestFiles(
    all.filter((file) => ways.get(file)?.includes(on)),
    { xen, qemu, on, jobs: availableParallelism(), testTimeoutMs: 60_000, timeoutMs: 180_000 },
  );
  describe(`on ${on}`, () => {
    for (const file of files) registerGuestTests(file);
  });
}
