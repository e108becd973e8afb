// The scenes of PVH domains under xl.

import type { XenRelease } from "../../src/host/debian/index.js";
import type { StoreDaemon } from "../../src/host/xl/boot-files.js";
import { providePreload } from "../../src/host/xl/preload.js";
import { createProgress } from "../../src/host/base/progress.js";
import { inLongForm } from "../fixtures/extent.js";
import { build } from "./setup.js";
import { playScenes, type Scene, type Stage } from "./xl-stage.js";

/** Each is one domain, of the scene's name, and what xl is asked to do with it. */
const SCENES = {
  poweroff: {
    script: "create poweroff && story poweroff; console poweroff",
    domain: { cmdline: "do=nothing" },
    // One of each kind: what `xenlet xl-config` prints is read by xl as well.
    commented: true,
  },
  reboot: {
    script: "create reboot && story reboot",
    domain: { cmdline: "do=reboot", actions: { reboot: "restart" } },
  },
  crash: {
    script:
      "create crash && said crash waiting || exit; xl trigger crash power; echo power=$?; " +
      "xl trigger crash nmi; echo nmi=$?; story crash",
    domain: { cmdline: "do=wait" },
  },
  "crash-preserve": {
    script: "create crash-preserve && story crash-preserve; xl list; xl destroy crash-preserve",
    domain: { cmdline: "do=crash", actions: { crash: "preserve" } },
  },
  watchdog: {
    script: "create watchdog && story watchdog",
    domain: { cmdline: "do=watchdog", actions: { watchdog: "restart" } },
  },
  shutdown: {
    script: "create shutdown && said shutdown waiting && xl shutdown -w shutdown; story shutdown",
    domain: { cmdline: "do=wait" },
  },
  "xl-reboot": {
    script:
      "create xl-reboot && said xl-reboot waiting && xl reboot xl-reboot; until_ok grep -q 'Done. Rebooting' /var/log/xen/xl-xl-reboot.log; " +
      "until_ok xl domid xl-reboot; until_ok xl destroy xl-reboot; xl_log xl-reboot",
    domain: { cmdline: "do=wait", vcpus: 3, actions: { reboot: "restart" } },
  },
  destroy: {
    script: "create destroy && said destroy waiting && xl destroy destroy; story destroy",
    domain: { cmdline: "do=wait", vcpus: 2 },
  },
  console: {
    // What `xl console` runs: it takes what is typed from a terminal only, unless told to do without.
    script:
      "create console && said console listening && " +
      "{ sleep 1; echo hello; sleep 1; echo bye; until_ok over console; } | xenconsole --interactive $(xl domid console); story console",
    domain: { cmdline: "do=converse" },
  },
  "four-vcpus": {
    script: `
      create four-vcpus && said four-vcpus waiting || exit
      xl console four-vcpus </dev/null >/run/attached &
      xl vcpu-set four-vcpus 2 && said four-vcpus "vCPU 3 offline" && said four-vcpus "vCPU 2 offline"
      until_ok grep "vCPU 2" /run/attached && sed 's/^/xl console: /' /run/attached
      xl vcpu-list four-vcpus; xl shutdown -w four-vcpus`,
    domain: { cmdline: "do=wait", vcpus: 4, memoryMiB: 48 },
  },
  suspend: {
    script: `
      create suspend && said suspend waiting || exit
      xl save -c suspend /run/saved >/run/saving 2>&1 && said suspend "resumed 1" || exit
      xenstore-write "/local/domain/$(xl domid suspend)/data/poke" one && said suspend "poke one" || exit
      xl save suspend /run/saved >/run/saving 2>&1 && xl restore /run/saved && said suspend "resumed 2" || exit
      rm /run/saved
      xenstore-write "/local/domain/$(xl domid suspend)/data/poke" two && said suspend "poke two" || exit
      xl shutdown -w suspend; story suspend`,
    // Its memory goes into a file of dom0's, which is memory as well.
    domain: { cmdline: "do=suspend", memoryMiB: 16 },
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
  "preload-reboot": {
    script: "preloaded preload-reboot && story preload-reboot",
    domain: {
      cmdline: "do=soft-reset then=reboot+crash",
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
    domain: { cmdline: "", image: "store", actions: { soft_reset: "soft-reset" } },
  },
} satisfies Record<string, Scene>;

export type SceneName = keyof typeof SCENES;

/** Other ends of a domain, played in long form only. */
const LONG: readonly SceneName[] = [
  "crash-preserve",
  "watchdog",
  "xl-reboot",
  "destroy",
  "unknown-reason",
  "soft-reset-destroy",
  "preload-reboot",
];

const FUNCTIONS = `
xenstore-write /xenlet/count 0
xenstore-chmod /xenlet/count b0
preloaded() {
    sh /run/xenlet/xl create "/run/xenlet/$1.cfg"
}
`;

/** Boots one dom0 and has it do all scenes. */
export async function play(release: XenRelease, store: StoreDaemon): Promise<Stage<SceneName>> {
  const progress = createProgress(process.stderr, { quiet: true });
  const scenes: Partial<Record<SceneName, Scene>> = { ...SCENES };
  if (!inLongForm) for (const name of LONG) Reflect.deleteProperty(scenes, name);
  return playScenes<SceneName>(scenes, {
    release,
    store,
    functions: FUNCTIONS,
    files: {
      image: await build("test/boot/guest/xl.ts"),
      store: await build("test/guest/xenstore.ts"),
      "soft_reset.so": await providePreload(release, progress),
      xl: "xl/preload/xl",
      "other.so": await providePreload(release === "4.17" ? "4.20" : "4.17", progress),
    },
    domainsMiB: 128,
  });
}
