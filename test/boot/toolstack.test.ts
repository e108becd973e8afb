// The toolstack as a library: a dom0 program of one's own that makes many domains (test/boot/guest/toolstack.ts); in long
// form on every Xen that is at hand. Why: `xenlet run` makes one domain a boot, so what a domain leaves behind, or takes from
// another, would never be seen there. Fails as each assertion says, by name.

import { writeFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";

import { XEN_RELEASES, provideXen } from "../../src/host/debian/index.js";
import { createProgress } from "../../src/host/base/progress.js";
import { extent } from "../fixtures/extent.js";
import { boot, build, expectSuccess, printed, scratch } from "./setup.js";
import { guestTests } from "./guest-tests.js";

const progress = createProgress(process.stderr, { quiet: true });
const domain = await build("test/boot/guest/domu.ts");

for (const release of extent(["4.17"] as const, XEN_RELEASES)) {
  const xen = await provideXen(release, progress);
  describe(`on Xen ${release}`, () =>
    guestTests("test/boot/guest/toolstack.ts", {
      xen,
      on: "dom0",
      memoryMiB: 64,
      modules: [domain],
      timeoutMs: 120_000,
      testTimeoutMs: 60_000,
    }));
}

test("examples/toolstack.ts makes a domain, resets it when it asks, and says how it ended", async () => {
  const asking = scratch("asking.ts");
  await writeFile(
    asking,
    `import { commandLine, softReset, xen } from "xenlet";
     console.log(commandLine());
     softReset.request();
     xen.attach();
     console.log("back");`,
  );
  const example = await build("examples/toolstack.ts");
  const result = await boot(example, { on: "dom0", modules: [await build(asking)], memoryMiB: 64 });
  expectSuccess(result);
  expect(printed(result)).toEqual([
    "d1 has 4105 pages",
    "d1 says: generation=1",
    "d1 was reset",
    "d1 says: back",
    "d1 ended with reason 0",
  ]);
});
