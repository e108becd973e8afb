import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const SECOND = 1000;
/** In each test file's process; what a file took is printed behind the tests. */
const setupFiles = ["test/runner/file-cost.ts"];
/** Of the projects that use test/boot/setup.ts. */
const bootSetupFiles = ["test/boot/after-each-file.ts"];
// A test's time is by the clock, and so only against those that never end: a busy machine takes long for what is short.

/** Vitest by itself leaves one CPU free: half of a machine that has two. */
const maxWorkers = availableParallelism();

export default defineConfig({
  test: {
    projects: [
      {
        // TypeScript on Node, no machine involved.
        test: {
          name: "unit",
          setupFiles,
          maxWorkers,
          // Files share modules, and with them asc's threads, which take a second to come up to speed. One that replaces a
          // module resets them.
          isolate: false,
          include: ["test/unit/**/*.test.ts"],
          testTimeout: 120 * SECOND,
          sequence: { groupOrder: 0 },
        },
      },
      {
        // The guest runtime, compiled to Wasm and run on Node against a fake hypervisor.
        test: {
          name: "runtime",
          setupFiles,
          maxWorkers,
          // The files share the compiler, which takes seconds to come up to speed; each instantiates guests of its own.
          isolate: false,
          include: ["test/runtime/**/*.test.ts"],
          testTimeout: 120 * SECOND,
          hookTimeout: 120 * SECOND,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The real thing: QEMU, Xen, a guest. A boot keeps a core busy, so two at a
        // time; the first run downloads what it needs in a hook.
        test: {
          name: "boot",
          setupFiles: [...setupFiles, ...bootSetupFiles],
          // Files share the compiler and what is loaded of xenlet: seconds of CPU time each.
          isolate: false,
          include: ["test/{boot,abi,browser}/**/*.test.ts"],
          maxWorkers: 2,
          testTimeout: 180 * SECOND,
          hookTimeout: 900 * SECOND,
          sequence: { groupOrder: 2 },
        },
      },
      {
        // The package as its users install it, compiled and installed over and over: minutes (`make test ONLY=install`).
        test: {
          name: "install",
          setupFiles,
          include: ["test/install/**/*.test.ts"],
          testTimeout: 600 * SECOND,
          hookTimeout: 900 * SECOND,
          sequence: { groupOrder: 4 },
        },
      },
      {
        // Whole Linuxes in domains: minutes, so not for every change (`make test ONLY=linux`).
        test: {
          name: "linux",
          setupFiles: [...setupFiles, ...bootSetupFiles],
          include: ["test/linux/**/*.test.ts"],
          maxWorkers: 1,
          hookTimeout: 1800 * SECOND,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
