// Domains of type hvm under stock xl, Debian's packages as they are: our image in hvmloader's place, a device model
// beside it, and the soft reset that libxl does by itself for this type alone.
//
// Why: this is the one soft reset that users of xl have today without anything of xenlet's, and the one that restarts a
// device model under the guest. How it would fail: the next kernel finds ports or areas of the last one's, the store or
// the console have lost touch after so many resets, memory leaks, or an interrupt of the device model's no longer comes
// once it was mapped before.
//
// The controls: on_soft_reset="destroy" ends the same domain, and what the interrupt's mapping is like without a reset is
// looked at in the same domain just before.

import { beforeAll, describe, expect, test } from "vitest";

import { extent, inLongForm } from "../fixtures/extent.js";
import { longTest } from "./long-test.js";
import { boot, build, expectSuccess, payloads, printed } from "./setup.js";
import { exitOf, facts, playScenes, type Scene, type Stage } from "./xl-stage.js";

const GENERATIONS = { "4.17": extent(3, 20), "4.20": 2 };

const HVM = { type: "hvm" } as const;
const RESET = { actions: { soft_reset: "soft-reset" } } as const;

/** Of both releases. */
const scenes = (release: keyof typeof GENERATIONS) =>
  ({
    generations: {
      script: "create generations",
      end: "story generations; console generations",
      domain: {
        ...HVM,
        ...RESET,
        cmdline: `do=generations last=${GENERATIONS[release]}`,
        module: "image",
      },
    },
    pirq: {
      script: "create pirq && story pirq",
      domain: { ...HVM, ...RESET, cmdline: "do=pirq" },
      // From 4.19 on such interrupts come by event channel only where that is asked for; an older xl does not look.
      settings: "hvm_pirq = 1\n",
    },
  }) satisfies Record<string, Scene>;

/** What xl itself does is shown once. */
const MORE = {
  crash: {
    script: "create crash && story crash",
    domain: { ...HVM, ...RESET, cmdline: "do=soft-reset then=crash", image: "life" },
  },
  destroy: {
    script: "create destroy && story destroy",
    domain: {
      ...HVM,
      cmdline: "do=soft-reset",
      image: "life",
      actions: { soft_reset: "destroy" },
    },
  },
} satisfies Record<string, Scene>;

type SceneName = keyof ReturnType<typeof scenes> | keyof typeof MORE;

/** In short form the older one; PVH's scenes (xl.test.ts) have the other. */
const SETUPS = extent(
  [["4.17", "oxenstored"]] as const,
  [
    ["4.17", "oxenstored"],
    ["4.20", "xenstored"],
  ] as const,
);

describe.each(SETUPS)("HVM under xl of Xen %s, with %s", (release, store) => {
  let stage: Stage<SceneName>;

  beforeAll(async () => {
    const all: Partial<Record<SceneName, Scene>> =
      release === "4.17" ? { ...scenes(release), ...MORE } : scenes(release);
    if (!inLongForm) delete all.crash;
    stage = await playScenes<SceneName>(all, {
      release,
      store,
      files: {
        image: await build("test/boot/guest/xl-hvm.ts", { native: ["test/boot/guest/xl-hvm.c"] }),
        life: await build("test/boot/guest/xl.ts"),
      },
      domainsMiB: 64,
    });
  }, 1_800_000);

  test("all of it was done", () => {
    expect({ error: stage.error, log: stage.log }).toMatchObject({ error: null });
  });

  const last = GENERATIONS[release];

  test(`reset and jump, ${last} times in a row: each kernel finds a domain as new`, () => {
    const { lives, output } = stage.scene("generations");
    const pages = / pages=(\d+)$/.exec(facts(lives[0])[0] ?? "")?.[1] ?? "none";
    expect(facts(lives[0])).toEqual(
      Array.from(
        { length: last + 1 },
        (_, n) =>
          // xl makes the domain's nodes again, so that what the last kernel wrote is gone.
          `generation-${n}: found= write=0 read=generation-${n} vcpu_info=0 VIRQ_TIMER=5 pages=${pages}`,
      ),
    );
    expect(exitOf(lives[0])).toBe("0");
    const printed = output.map((line) => / log:console (\S+)/.exec(line)?.[1]);
    expect(printed.filter(Boolean)).toEqual(
      Array.from({ length: last + 1 }, (_, n) => `generation-${n}`),
    );
    expect(output.filter((line) => line === "Done. Rebooting now")).toHaveLength(last);
  });

  test("an interrupt of the device model's: mapped, forgotten by the reset, mapped again", () => {
    const { lives } = stage.scene("pirq");
    expect(facts(lives[0])).toEqual([
      "before: comes=yes",
      "no-reset: known=0 bind=-17",
      "reset: known=-22 bind=true",
      "bound: comes=no",
      "mapped: map=true comes=yes",
    ]);
  });

  if (release !== "4.17") return;

  longTest("a crash after a reset is xl's business, as before", () => {
    const { lives, output } = stage.scene("crash");
    expect(facts(lives[0])).toContain("request=0");
    expect(output.join("\n")).toContain("Action for shutdown reason code 3 is destroy");
  });

  test("on_soft_reset=destroy", () => {
    const { lives, output } = stage.scene("destroy");
    expect(facts(lives[0])).toHaveLength(1);
    expect(output.join("\n")).toContain("Action for shutdown reason code 5 is destroy");
    expect(exitOf(lives[0])).toBe(null);
  });
});

// With more that goes through it: output.test.ts.
longTest(
  "one image at a time, with its command line and module: bootGuest({ on: 'xl-hvm' })",
  async () => {
    const image = await build("test/boot/guest/kexec.ts");
    const result = await boot(image, { on: "xl-hvm", modules: [image], cmdline: "last=1" });
    expectSuccess(result);
    expect(result).toMatchObject({ on: "xl-hvm", ended: { how: "poweroff", reason: 0 } });
    expect(payloads(result, "boot").filter((stage) => stage === "stage=runtime")).toHaveLength(1);
    expect(printed(result).map((line) => line.replace(/, pages .*/, ""))).toEqual([
      "generation 0: vcpu_info 0, VIRQ_TIMER 5, next port 6",
      "generation 1: vcpu_info 0, VIRQ_TIMER 5, next port 6",
    ]);
  },
);
