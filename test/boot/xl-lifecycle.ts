// The steps that the tests of xl have a dom0 do, and one boot of a dom0 that does them all.

import { execa } from "execa";
import { stat } from "node:fs/promises";

import {
  providePackages,
  provideXen,
  suiteOf,
  type XenRelease,
} from "../../src/machine/debian/index.js";
import { RecordReader, fieldsOf, type GuestRecord } from "../../src/machine/record.js";
import type { StoreDaemon } from "../../src/machine/xl/boot-files.js";
import { provideDom0 } from "../../src/machine/xl/dom0-image.js";
import { runDom0Steps, type StepResult } from "../../src/machine/xl/steps.js";
import { commentedXlConfig, xlConfig, type XlDomain } from "../../src/machine/xl/xl-config.js";
import { createProgress } from "../../src/progress.js";
import { build, qemu, scratch } from "./ground.js";

interface Scene {
  /** For dom0's shell. */
  script: string;
  domain: Partial<XlDomain> & { cmdline: string };
}

/** Each is one domain, of the scene's name, and what xl is asked to do with it. */
const SCENES = {
  poweroff: {
    script: "create poweroff && story poweroff; console poweroff",
    domain: { cmdline: "do=nothing" },
  },
  reboot: {
    script: "create reboot && story reboot",
    domain: { cmdline: "do=reboot", actions: { reboot: "restart" } },
  },
  crash: { script: "create crash && story crash", domain: { cmdline: "do=crash" } },
  "crash-preserve": {
    script: "create crash-preserve && story crash-preserve; xl list; xl destroy crash-preserve",
    domain: { cmdline: "do=crash", actions: { crash: "preserve" } },
  },
  watchdog: { script: "create watchdog && story watchdog", domain: { cmdline: "do=watchdog" } },
  shutdown: {
    script: "create shutdown && said shutdown waiting && xl shutdown -w shutdown; story shutdown",
    domain: { cmdline: "do=wait" },
  },
  "xl-reboot": {
    script:
      "create xl-reboot && said xl-reboot waiting && xl reboot xl-reboot; until_ok grep -q 'Done. Rebooting' /var/log/xen/xl-xl-reboot.log; " +
      "until_ok xl domid xl-reboot; until_ok xl destroy xl-reboot; xl_log xl-reboot",
    domain: { cmdline: "do=wait", actions: { reboot: "restart" } },
  },
  destroy: {
    script: "create destroy && said destroy waiting && xl destroy destroy; story destroy",
    domain: { cmdline: "do=wait" },
  },
  console: {
    // What `xl console` runs: it takes what is typed from a terminal only, unless told to do without.
    script:
      "create console && said console listening && " +
      "{ sleep 1; echo hello; sleep 1; echo bye; sleep 20; } | xenconsole --interactive $(xl domid console); story console",
    domain: { cmdline: "do=converse" },
  },
  "four-vcpus": {
    script:
      "create four-vcpus && said four-vcpus waiting && xl list four-vcpus; xl shutdown -w four-vcpus",
    domain: { cmdline: "do=wait", vcpus: 4, memoryMiB: 48 },
  },
  "unknown-reason": {
    script: "create unknown-reason && story unknown-reason",
    domain: { cmdline: "do=unknown-reason" },
  },
  "soft-reset-stock": {
    script: "create soft-reset-stock && story soft-reset-stock",
    domain: { cmdline: "do=soft-reset", actions: { soft_reset: "soft-reset" } },
  },
  "soft-reset-destroy": {
    script: "create soft-reset-destroy && story soft-reset-destroy",
    domain: { cmdline: "do=soft-reset", actions: { soft_reset: "destroy" } },
  },
  "preload-poweroff": {
    script: "preloaded preload-poweroff && story preload-poweroff; console preload-poweroff",
    domain: { cmdline: "do=soft-reset times=2", actions: { soft_reset: "soft-reset" } },
  },
  "preload-crash": {
    script: "preloaded preload-crash && story preload-crash",
    domain: { cmdline: "do=soft-reset then=crash", actions: { soft_reset: "soft-reset" } },
  },
  "preload-reboot": {
    script: "preloaded preload-reboot && story preload-reboot",
    domain: {
      cmdline: "do=soft-reset then=reboot",
      actions: { soft_reset: "soft-reset", reboot: "restart" },
    },
  },
  "preload-unknown": {
    script: "LD_PRELOAD=/run/xenlet/other.so xl create -n /run/xenlet/poweroff.cfg",
    domain: { cmdline: "do=nothing" },
  },
  store: {
    // Its last test asks for soft resets.
    script: "preloaded store && story store",
    domain: { cmdline: "", actions: { soft_reset: "soft-reset" } },
  },
} satisfies Record<string, Scene>;

export type SceneName = keyof typeof SCENES;

const FUNCTIONS = `
xenstore-write /xenlet/count 0
xenstore-chmod /xenlet/count b0
preloaded() {
    sh /run/xenlet/xl create "/run/xenlet/$1.cfg"
}
`;

export interface Played extends StepResult {
  /** Of each domain that there was, in order: what it reported. */
  lives: GuestRecord[][];
}

export interface Stage {
  scene(name: SceneName): Played;
  trouble: string | null;
  log: string | null;
}

/** Boots one dom0 and has it do all scenes. */
export async function play(release: XenRelease, store: StoreDaemon): Promise<Stage> {
  const progress = createProgress(process.stderr, { quiet: true });
  const xen = await provideXen(release, progress);
  const dom0 = await provideDom0(release, progress);
  const image = await build("test/guests/xl.ts");
  const storeTests = await build("test/guest/xenstore.ts");
  const preload = await buildPreload(release);
  const other = await buildPreload(release === "4.17" ? "4.20" : "4.17");
  const files = {
    image,
    store: storeTests,
    "soft_reset.so": preload,
    xl: "preload/xl",
    "other.so": other,
  };
  let bytes = 0;
  for (const file of Object.values(files)) bytes += (await stat(file)).size;
  const names = Object.keys(SCENES) as SceneName[];
  const run = await runDom0Steps({
    xen,
    qemu,
    dom0,
    store,
    steps: names.map((name) => ({ name, script: FUNCTIONS + SCENES[name].script })),
    configs: Object.fromEntries(
      names.map((name) => {
        const { domain } = SCENES[name];
        const whole = {
          name,
          image: name === "store" ? "/run/xenlet/store" : "/run/xenlet/image",
          memoryMiB: 24,
          vcpus: 1,
          ...domain,
          cmdline: `nonce=${nonceOf(name)} on=domu ${domain.cmdline}`,
        };
        // One of each kind: what `xenlet xl-config` prints is read by xl as well.
        return [name, name === "poweroff" ? commentedXlConfig(whole) : xlConfig(whole)];
      }),
    ),
    files,
    filesMiB: Math.ceil(bytes / 2 ** 20),
    domainsMiB: 128,
    cpus: 1,
    stepMs: 120_000,
  });
  return {
    scene: (name) => {
      const step = run.steps[names.indexOf(name)];
      if (step === undefined) throw new Error(`no step ${name}`);
      return {
        ...step,
        lives: [...step.said.values()]
          .map((lines) => recordsOf(lines, nonceOf(name)))
          .filter((records) => records.length > 0),
      };
    },
    trouble: run.trouble,
    log: run.log,
  };
}

function nonceOf(name: SceneName): string {
  return name.replaceAll("-", "").slice(0, 16);
}

function recordsOf(lines: string[], nonce: string): GuestRecord[] {
  const reader = new RecordReader(nonce);
  const items = [...lines.flatMap((line) => reader.push(line)), ...reader.end()];
  return items.flatMap((item) => (item.type === "record" ? [item.record] : []));
}

/** What a domain reported as facts, in order. */
export function facts(records: GuestRecord[] | undefined): string[] {
  return (records ?? []).filter(({ kind }) => kind === "fact").map(({ payload }) => payload);
}

/** The exit code that a domain said, or null. */
export function exitOf(records: GuestRecord[] | undefined): string | null {
  const exit = (records ?? []).find(({ kind }) => kind === "exit");
  return exit === undefined ? null : (fieldsOf(exit)?.get("code") ?? null);
}

/** preload/soft_reset.so for the libxl of a release. */
async function buildPreload(release: XenRelease): Promise<string> {
  const progress = createProgress(process.stderr, { quiet: true });
  const { root } = await providePackages(["libxen-dev"], suiteOf(release), progress);
  const output = scratch(`soft_reset-${release}.so`);
  await execa("preload/build.sh", [output], { env: { ROOT: root } });
  return output;
}
