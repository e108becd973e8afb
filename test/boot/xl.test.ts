// Stock xl, from Debian's packages, and our domains: created, ended in every way, asked to end, talked to, and reset;
// one boot of a dom0 for each Xen and store daemon, which does all of it before the first test looks.
//
// Why: this is the toolstack that people run. What xl says of an end is what its user acts upon, and the store and
// console daemons are other programs than those of our own toolstack. How it would fail: xl tells of another reason
// than the guest gave, a restart does not come, a request is not obeyed, or a daemon and the guest no longer
// understand each other after a reset.
//
// In short form the scenes are those that differ in what xl does; its other actions are for `make soak`.
//
// The control of every soft reset by xl/preload/soft_reset.so is the same domain under xl alone, which destroys it.

import { beforeAll, describe, expect, test } from "vitest";

import { extent } from "../fixtures/extent.js";
import { longTest } from "./long-test.js";
import { play, type SceneName } from "./xl-lifecycle.js";
import { REGISTERED, exitOf, facts, type Stage } from "./xl-stage.js";

/** In short form the newer one; HVM's scenes (xl-hvm.test.ts) have the other. */
const SETUPS = extent(
  [["4.20", "xenstored"]] as const,
  [
    ["4.17", "oxenstored"],
    ["4.20", "xenstored"],
  ] as const,
);

describe.each(SETUPS)("xl of Xen %s, with %s", (release, store) => {
  let stage: Stage<SceneName>;

  beforeAll(async () => {
    stage = await play(release, store);
  }, 1_800_000);

  /** Whether xl's log has these lines, in this order. */
  function story(name: SceneName): string[] {
    return stage.scene(name).output.map((line) => line.replaceAll(/Domain \d+/g, "Domain N"));
  }

  test("all of it was done", () => {
    expect({ error: stage.error, log: stage.log }).toMatchObject({ error: null });
  });

  test("a domain ends with its program: reason 0, and its console has come by xenconsoled", () => {
    const { lives, output } = stage.scene("poweroff");
    expect(lives.map(exitOf)).toEqual(["0"]);
    expect(story("poweroff")).toContain("Domain N has shut down, reason code 0 0x0");
    expect(output.some((line) => line.includes("log:nothing to do"))).toBe(true);
  });

  test("reboot: xl makes it anew, until it powers off at the third time", () => {
    const { lives } = stage.scene("reboot");
    expect(lives.map(facts)).toEqual([["life=1"], ["life=2"], ["life=3"]]);
    expect(exitOf(lives[2])).toBe("0");
    expect(story("reboot").filter((line) => line === "Done. Rebooting now")).toHaveLength(2);
  });

  test("xl trigger: an NMI ends the guest as the trap that it is, reason 3; it has no power button", () => {
    const { lives, output } = stage.scene("crash");
    expect(output).toEqual(expect.arrayContaining(["power=0", "nmi=0"]));
    expect(lives[0]?.map(({ kind }) => kind)).toEqual(["boot", "fact", "trap"]);
    expect(lives[0]?.at(-1)?.payload).toMatch(/^kind=nmi /);
    expect(story("crash")).toContain("Domain N has shut down, reason code 3 0x3");
    expect(story("crash")).toContain("Action for shutdown reason code 3 is destroy");
  });

  longTest("on_crash=preserve leaves it there, crashed", () => {
    expect(story("crash-preserve")).toContain("Action for shutdown reason code 3 is preserve");
    const state = stage
      .scene("crash-preserve")
      .output.find((line) => line.startsWith("crash-preserve "));
    expect(state).toMatch(/ ---sc- /);
  });

  longTest(
    "a watchdog that expires: reason 4, and on_watchdog=restart makes the domain anew",
    () => {
      const { lives } = stage.scene("watchdog");
      expect(story("watchdog")).toContain("Domain N has shut down, reason code 4 0x4");
      expect(lives.map(facts)).toEqual([["life=1"], ["life=2"]]);
      expect(lives.map(exitOf)).toEqual([null, "0"]);
    },
  );

  test("xl shutdown: control/shutdown is obeyed", () => {
    const { lives } = stage.scene("shutdown");
    expect(lives.map(exitOf)).toEqual(["0"]);
    expect(story("shutdown")).toContain("Domain N has been shut down, reason code 0");
  });

  longTest("xl reboot: obeyed, and it comes up again", () => {
    expect(story("xl-reboot")).toContain("Domain N has shut down, reason code 1 0x1");
    expect(stage.scene("xl-reboot").lives.length).toBeGreaterThanOrEqual(1);
    expect(story("xl-reboot")).toContain("Done. Rebooting now");
  });

  longTest("xl destroy", () => {
    const { lives } = stage.scene("destroy");
    expect(story("destroy")).toContain("Domain N has been destroyed.");
    expect(lives.map(exitOf)).toEqual([null]);
  });

  test("the console, both ways", () => {
    const { lives, output } = stage.scene("console");
    expect(facts(lives[0])).toEqual(["heard=hello", "heard=bye"]);
    expect(output.some((line) => line.includes("log:you said: hello"))).toBe(true);
  });

  longTest("one to four vCPUs, which all run, and 24 or 48 MiB are what the guest finds", () => {
    const found = (["shutdown", "destroy", "xl-reboot", "four-vcpus"] as const).map(
      (name) => facts(stage.scene(name).lives[0])[0],
    );
    expect(found).toEqual([
      "memory=24 vcpus=1",
      "memory=24 vcpus=2",
      "memory=24 vcpus=3",
      "memory=48 vcpus=4",
    ]);
  });

  test("xl vcpu-set: the guest sees what is asked for and does it, and Xen has the vCPUs down", () => {
    const { output } = stage.scene("four-vcpus");
    const states = output
      .filter((line) => /^four-vcpus +\d+ +\d /.test(line))
      .map((line) => line.split(/ +/)[4]);
    expect(states).toEqual([
      expect.not.stringContaining("p"),
      expect.not.stringContaining("p"),
      "--p",
      "--p",
    ]);
  });

  test("xl console shows what the guest prints", () => {
    const shown = stage.scene("four-vcpus").output.filter((line) => line.startsWith("xl console:"));
    expect(shown.join("\n")).toContain("log:vCPU 2 offline");
  });

  test("xl save -c lets the domain go on as it was; xl save and restore make another one, attached again", () => {
    const { lives, output } = stage.scene("suspend");
    const refused = REGISTERED[release];
    expect(lives.map(facts)).toEqual([
      [
        `when=at-first vcpu_info=0 again=${refused} store=at-first port=3`,
        "grant=8",
        "suspend=1",
        `when=after-1 vcpu_info=${refused} again=${refused} store=after-1 port=4`,
        "grant=9",
      ],
      ["suspend=0", `when=after-2 vcpu_info=0 again=${refused} store=after-2 port=3`, "grant=10"],
    ]);
    expect(exitOf(lives[1])).toBe("0");
    expect(output.join("\n")).toContain("has been shut down, reason code 0");
  });

  longTest(
    "a reason that xl does not know: what a toolstack without soft reset does with one",
    () => {
      expect(story("unknown-reason")).toContain("Domain N has shut down, reason code 6 0x6");
      expect(story("unknown-reason")).toContain(
        "Unknown shutdown reason code 6. Destroying domain.",
      );
    },
  );

  test("the guest's store client and this daemon", () => {
    const records = stage.scene("store").lives[0] ?? [];
    const tests = records.filter(({ kind }) => kind === "test").map(({ payload }) => payload);
    expect(tests.filter((line) => line.startsWith("event=fail"))).toEqual([]);
    expect(tests.at(-1)).toMatch(/^event=end passed=[1-9]\d+ failed=0 /);
    expect(exitOf(records)).toBe("0");
  });

  describe("soft reset of a PVH domain", () => {
    const before = `when=at-first vcpu_info=0 again=${REGISTERED[release]} store=at-first port=3`;

    test("stock xl: it says that it will, and then destroys the domain without a word", () => {
      const { lives, output } = stage.scene("soft-reset-stock");
      expect(lives.map(facts)).toEqual([[before]]);
      expect(output.slice(-2)).toEqual([
        "Action for shutdown reason code 5 is soft-reset",
        "Done. Rebooting now",
      ]);
      expect(exitOf(lives[0])).toBe(null);
    });

    longTest("on_soft_reset=destroy", () => {
      expect(story("soft-reset-destroy")).toContain("Action for shutdown reason code 5 is destroy");
      expect(stage.scene("soft-reset-destroy").lives.map(facts)).toEqual([[before]]);
    });

    test("soft_reset.so: twice in a row; vcpu_info, store, console and ports are as in a new domain", () => {
      const { lives, output } = stage.scene("preload-poweroff");
      const after = (n: number): string =>
        `when=after-${n} vcpu_info=0 again=${REGISTERED[release]} store=after-${n} port=3`;
      expect(lives.map(facts)).toEqual([[before, "request=0", after(1), "request=0", after(2)]]);
      expect(exitOf(lives[0])).toBe("0");
      const printed = output.filter((line) => line.includes(" log:console "));
      expect(printed.map((line) => / log:console (\S+)/.exec(line)?.[1])).toEqual([
        "at-first",
        "after-1",
        "after-2",
      ]);
      expect(story("preload-poweroff")).toContain("Domain N has shut down, reason code 0 0x0");
    });

    longTest("soft_reset.so: a later reboot and a later crash are xl's business, as before", () => {
      const { lives } = stage.scene("preload-reboot");
      // The new domain resets as well.
      expect(lives.map((life) => facts(life).filter((text) => text === "request=0"))).toEqual([
        ["request=0"],
        ["request=0"],
      ]);
      expect(story("preload-reboot")).toContain("Action for shutdown reason code 1 is restart");
      expect(story("preload-reboot")).toContain("Action for shutdown reason code 3 is destroy");
      expect(lives.map(exitOf)).toEqual([null, null]);
    });

    test("soft_reset.so refuses a libxl that it was not built for, before xl does anything", () => {
      const { status, output } = stage.scene("preload-unknown");
      expect(status).toBe(1);
      expect(output).toEqual([
        expect.stringMatching(
          /^soft_reset\.so: this is libxenlight\.so\.4\.\d+.*, and I am built for libxenlight\.so\.4\.\d+: /,
        ),
      ]);
    });
  });
});
