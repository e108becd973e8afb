// XEN_DOMCTL_soft_reset of a domain that is being destroyed (test/boot/guest/dying.ts): Xen frees its shared_info a second
// time and panics (docs/upstream.md). Known of each release below, so that it is no surprise, and so that whoever fixes
// it sees it here: a Xen that survives turns its row red. It ends the machine, so it is no check of `xenlet conform`.
// Fails as well if the control panics, where the reset is left out.

import { expect, test } from "vitest";

import { provideXen } from "../../src/host/debian/index.js";
import { createProgress } from "../../src/host/base/progress.js";
import { boot, build, expectSuccess, printed } from "./setup.js";

const image = await build("test/boot/guest/dying.ts");
const module = await build("test/boot/guest/domu.ts");

const dying = async (release: "4.14" | "4.17" | "4.20", cmdline: string) => {
  const xen = await provideXen(release, createProgress(process.stderr, { quiet: true }));
  return boot(image, { on: "dom0", xen, modules: [module], memoryMiB: 64, cmdline });
};

test.each([
  ["4.14", "page_alloc.c:1429", "free_heap_pages"],
  ["4.17", "common/page_alloc.c:1429", "free_heap_pages"],
  ["4.20", "common/page_alloc.c:1486", "free_heap_pages"],
] as const)("Xen %s panics: Xen BUG at %s", async (release, place, name) => {
  const result = await dying(release, "");
  expect(result.message).toContain(`Xen panicked in ${name}() (Xen BUG at ${place})`);
  expect(printed(result)).toEqual(["dying: true", "XEN_DOMCTL_soft_reset = -EINVAL"]);
});

test("the control: without the reset it does not", async () => {
  const result = await dying("4.17", "reset=0");
  expectSuccess(result);
  expect(printed(result)).toEqual(["dying: true", "Xen is still there"]);
});
