/**
 * How checks are really run: one program (src/guest/conformance/main.ts) is Xen's dom0, makes a
 * domain of itself for each scenario, and reports what its checks come to.
 */
import { bootGuest } from "../../boot/boot.js";
import { provideQemu } from "../../debian/index.js";
import { fieldsOf, type GuestRecord } from "../../protocol/record.js";
import { toolstackImage } from "../../boot/toolstack-image.js";
import type { Progress } from "../../base/progress.js";
import type { ConformanceBackend } from "./backend.js";
import type { Way } from "./model.js";
import { readPlan } from "./plan.js";
import { createXlBackend } from "./xl-backend.js";

export interface BackendOptions {
  on: Way;
  progress: Progress;
  signal: AbortSignal;
}

/** Its own memory as dom0, with itself as its module, and what the domains that it makes take. */
const DOM0_MIB = 32;
const DOMAINS_MIB = 64;

/** A boot that runs longer than this says nothing more: its silence ends it long before. */
const TIMEOUT_MS = 600_000;

/** Scenarios that make no checks, and what asks for them: the picture of one soft reset comes with the first check. */
const PICTURE = "picture";

export async function createBackend(options: BackendOptions): Promise<ConformanceBackend> {
  if (options.on !== "domu") return createXlBackend(options);
  const { progress, signal } = options;
  const { checks: planned, scenarios } = await readPlan();
  const qemu = await provideQemu(progress, { signal });
  const image = await toolstackImage("conformance/main.ts", { progress, signal });
  return {
    plan: () => Promise.resolve(planned),
    boot: (boot) => {
      const asked = new Set(boot.checks);
      const wanted = [...new Set(boot.checks.map((name) => scenarios.get(name) ?? ""))];
      const first = planned[0];
      if (first !== undefined && asked.has(first.name)) wanted.unshift(PICTURE);
      return bootGuest({
        image,
        on: "dom0",
        modules: [image],
        xen: boot.xen,
        qemu,
        memoryMiB: DOM0_MIB,
        domUMiB: DOMAINS_MIB,
        timeoutMs: TIMEOUT_MS,
        cmdline: `scenarios=${wanted.join("+")}`,
        signal: boot.signal,
        onRecord: (record) => {
          if (isWanted(record, asked)) boot.onRecord(record);
        },
        onLog: boot.onLog,
      });
    },
  };
}

/** A scenario makes all of its checks, also where only one was asked for. */
function isWanted(record: GuestRecord, asked: ReadonlySet<string>): boolean {
  return !OF_CHECKS.has(record.kind) || asked.has(fieldsOf(record)?.get("name") ?? "");
}

const OF_CHECKS: ReadonlySet<string> = new Set(["begin", "claim", "check"]);
