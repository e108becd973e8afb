/**
 * How checks are really run: one program (src/guest/conformance/main.ts) is Xen's dom0, makes a
 * domain of itself for each scenario, and reports what its checks come to.
 */
import { bootGuest, type BootOptions } from "../../boot/boot.js";
import { fieldsOf, type GuestRecord } from "../../protocol/record.js";
import type { BackendOptions, ConformanceBackend } from "./backend.js";
import type { DeclaredScenario } from "./declarations.js";
import { prepared } from "./images.js";
import { RACE_RUNS, RACES, readPlan } from "./plan.js";
import { DEFAULT_SUITE } from "./select.js";
import { createXlBackend } from "./xl-backend.js";

/** Its own memory as dom0, and what the domains that it makes take. */
const DOM0_MIB = 32;
const DOMAINS_MIB = 64;

/** One domain at a time: its RAM, its vCPUs (1 MiB of nested page tables each, and some pages), and what Xen keeps for it. */
function domainsMiB(scenarios: readonly DeclaredScenario[]): number {
  return Math.max(
    DOMAINS_MIB,
    ...scenarios.map(({ memoryMiB, vcpus }) => Math.ceil(memoryMiB * 1.05 + vcpus * 1.25 + 32)),
  );
}

/** For races: two of dom0's vCPUs race, and one watches. An NMI makes Xen print the stack of a hang. */
const RACE_MACHINE = {
  boot: "cold",
  pcpus: 2,
  vcpus: 3,
  xenArgs: ["nmi=fatal"],
  lastWords: true,
} as const satisfies Partial<BootOptions>;

/** No boot reaches this limit: silence ends it long before. */
const TIMEOUT_MS = 600_000;

/** Scenarios that make no checks, and what asks for them: the picture of one soft reset comes with the first check. */
const PICTURE = "picture";

export async function createBackend(options: BackendOptions): Promise<ConformanceBackend> {
  if (options.on !== "domu") return createXlBackend(options);
  const { checks: planned, declared } = await readPlan();
  const prepare = prepared(options);
  return {
    plan: () => Promise.resolve(planned),
    machine: prepare.machine,
    prepare,
    boot: async (boot) => {
      const { qemu, imageFor } = await prepare();
      const image = imageFor(boot.xen);
      const asked = new Set(boot.checks);
      const scenarios = new Set(boot.checks.flatMap((name) => declared.get(name)?.scenario ?? []));
      const wanted = [...scenarios].map(({ name }) => name);
      const first = planned.find(({ suite }) => suite === DEFAULT_SUITE);
      if (first !== undefined && asked.has(first.name)) wanted.unshift(PICTURE);
      const races = [...scenarios].some(({ suite }) => suite === RACES) ? RACE_MACHINE : null;
      const traced = options.trace?.(boot.xen) ?? null;
      const ended = bootGuest({
        image,
        on: "dom0",
        job: { words: `scenarios=${wanted.join("+")}`, files: [image] },
        // All that is restored from one state shares one boot: what depends on a boot's own timing would never be seen.
        boot: traced === null ? (options.boot ?? "cold") : "cold",
        xen: boot.xen,
        qemu,
        memoryMiB: DOM0_MIB,
        domUMiB: domainsMiB([...scenarios]),
        timeoutMs: TIMEOUT_MS + RACE_RUNS * (options.raceMs ?? 0) * boot.checks.length,
        ...(options.raceMs === undefined ? {} : { cmdline: `race_ms=${options.raceMs}` }),
        ...races,
        ...(traced === null ? {} : { qemuArgs: traced.qemuArgs }),
        signal: boot.signal,
        onRecord: (record) => {
          if (isWanted(record, asked)) boot.onRecord(record);
        },
        onLog: boot.onLog,
      });
      try {
        return await ended;
      } finally {
        await traced?.end();
      }
    },
  };
}

/** A scenario makes all of its checks, also where only one was asked for. */
function isWanted(record: GuestRecord, asked: ReadonlySet<string>): boolean {
  return !OF_CHECKS.has(record.kind) || asked.has(fieldsOf(record)?.get("name") ?? "");
}

const OF_CHECKS: ReadonlySet<string> = new Set(["begin", "claim", "check"]);
