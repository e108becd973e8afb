// The toolstack as a library: a dom0 program of one's own that makes many domains (test/guests/toolstack.ts), on every
// Xen that is at hand. Why: `xenlet run` makes one domain a boot, so what a domain leaves behind, or takes from
// another, would never be seen there. Fails as each assertion says, by name.

import { describe } from "vitest";

import { XEN_RELEASES, provideXen } from "../../src/machine/debian/index.js";
import { createProgress } from "../../src/progress.js";
import { build } from "./ground.js";
import { guestTests } from "./guest-tests.js";

const progress = createProgress(process.stderr, { quiet: true });
const domain = await build("test/guests/domu.ts");

for (const release of XEN_RELEASES) {
  const xen = await provideXen(release, progress);
  describe(`on Xen ${release}`, () =>
    guestTests("test/guests/toolstack.ts", {
      xen,
      on: "dom0",
      memoryMiB: 64,
      modules: [domain],
      timeoutMs: 120_000,
      testTimeoutMs: 60_000,
    }));
}
