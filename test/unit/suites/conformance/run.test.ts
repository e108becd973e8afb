/**
 * The matrix, run on stand-ins for boots. What it shows: a boot that dies costs the check that was under way and
 * no other; nothing is run twice that has a result; nothing runs for ever. Why it matters: one crash of Xen must
 * not cost 90 results, and must not be forgotten either. How it would fail: a check that is lost between two
 * boots and counts as passed, a crash that is retried until it passes.
 */
import { describe, expect, test } from "vitest";
import { UserError } from "../../../../src/host/base/errors.js";
import { ExitCode } from "../../../../src/host/base/exit-codes.js";
import { exitCodeOfReport } from "../../../../src/host/suites/conformance/exit-code.js";
import type { Run } from "../../../../src/host/report/matrix/model.js";
import type { PlannedCheck } from "../../../../src/host/suites/conformance/planned-check.js";
import { runMatrix, type MatrixOptions } from "../../../../src/host/suites/conformance/run.js";
import { planned, report } from "./samples.js";
import type { SilentBoot } from "../../../../src/host/boot/last-words.js";
import { NOTHING_KNOWN, PASS_ALL, standIn, xen, type Boot, type Play } from "./stand-in.js";

const PLAN: PlannedCheck[] = [
  planned("a/one", { control: true }),
  planned("a/two"),
  planned("b/three"),
  planned("b/four"),
];

async function play(
  play: Play,
  more: Partial<MatrixOptions> & { releases?: string[] } = {},
): Promise<{ runs: Run[]; boots: string[][] }> {
  const { releases = ["4.17"], ...options } = more;
  const plan = options.plan ?? PLAN;
  const backend = standIn([...plan], play);
  const runs = await runMatrix({
    backend,
    on: "domu",
    xens: releases.map((release) => ({ label: release, xen: xen(release) })),
    plan,
    checks: plan,
    jobs: 1,
    table: NOTHING_KNOWN,
    ...options,
  });
  return { runs, boots: backend.boots };
}

const statuses = (run: Run | undefined): Record<string, string> =>
  Object.fromEntries((run?.checks ?? []).map(({ name, status }) => [name, status]));
const detail = (run: Run | undefined, name: string): string =>
  run?.checks.find((check) => check.name === name)?.detail ?? "";
const ALL_PASSED = Object.fromEntries(PLAN.map(({ name }) => [name, "passed"]));
const code = (runs: Run[]): number => exitCodeOfReport(report(runs));

test("all pass, in one boot a version; runs are in the order of the versions", async () => {
  const seen: string[] = [];
  const done: string[] = [];
  const { runs, boots } = await play(PASS_ALL, {
    releases: ["4.20", "4.14"],
    onCheck: (label, name) => seen.push(`${label} ${name}`),
    onRun: ({ label }) => done.push(label),
  });
  expect(runs.map(statuses)).toEqual([ALL_PASSED, ALL_PASSED]);
  expect(
    runs.map(({ label, debianVersion, banner, boots: number, problems }) => [
      label,
      debianVersion,
      banner,
      number,
      problems,
    ]),
  ).toEqual([
    ["4.20", "4.20.7+1-g0", "4.20.7+1-g0", 1, []],
    ["4.14", "4.14.7+1-g0", "4.14.7+1-g0", 1, []],
  ]);
  expect(boots).toEqual([PLAN.map(({ name }) => name), PLAN.map(({ name }) => name)]);
  expect(new Set(seen).size).toBe(8);
  expect(done.toSorted()).toEqual(["4.14", "4.20"]);
  expect(code(runs)).toBe(0);
});

describe("a boot that dies", () => {
  const dieAt =
    (name: string, begin = true): Play =>
    ({ options, say, pass }) => {
      for (const check of options.checks) {
        if (check === name) {
          if (begin) say("begin", `name=${name} phase=check`);
          return {
            verdict: "crash",
            message: "Xen panicked (GENERAL PROTECTION FAULT)",
            stage: "runtime",
            trap: { frames: [{ text: "poke (a.ts:3)" }] },
          };
        }
        pass(check);
      }
      return {};
    };

  test.each([true, false])(
    "costs the check under way, begun %s; the rest runs anew",
    async (begin) => {
      const { runs, boots } = await play(dieAt("a/two", begin));
      expect(boots).toEqual([PLAN.map(({ name }) => name), ["b/three", "b/four"]]);
      expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/two": "failed" });
      expect(detail(runs[0], "a/two")).toBe(
        "no result: Xen panicked (GENERAL PROTECTION FAULT) at poke (a.ts:3) (last stage: runtime)",
      );
      expect(runs[0]?.checks.find(({ name }) => name === "a/two")?.log).toBe("/logs/1.log");
      expect(code(runs)).toBe(1);
    },
  );

  test("again and again comes to its end", async () => {
    const { runs, boots } = await play(({ options, say }) => {
      say("begin", `name=${options.checks[0] ?? ""} phase=check`);
      return { verdict: "timeout", message: "late" };
    });
    expect(boots.map((checks) => checks.length)).toEqual([4, 3, 2, 1]);
    expect(new Set(Object.values(statuses(runs[0])))).toEqual(new Set(["failed"]));
  });

  test("costs the whole group of the check, which would die again", async () => {
    const plan = PLAN.map((check) => ({ ...check, group: check.name.charAt(0) }));
    const { runs, boots } = await play(
      ({ number, options, say, pass }) => {
        if (number > 1) return PASS_ALL({ number, options, say, pass });
        say("scenario", "name=b phase=check");
        pass("b/four");
        return { verdict: "crash", message: "it died" };
      },
      { plan },
    );
    expect(boots[1]).toEqual(["a/one", "a/two"]);
    expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "b/three": "failed" });
  });

  test("before it ran any check is tried once more, and then costs them all", async () => {
    const { runs, boots } = await play(() => ({
      verdict: "timeout",
      message: "Xen started, but did not reach the guest within 20 s",
      stage: "xen",
    }));
    expect(boots).toHaveLength(2);
    expect(new Set(Object.values(statuses(runs[0])))).toEqual(new Set(["failed"]));
    expect(detail(runs[0], "b/four")).toContain(
      "did not reach the guest within 20 s (last stage: xen)",
    );
    expect(code(runs)).toBe(1);
  });

  test("in a control costs that check", async () => {
    const { runs } = await play(({ number, options, say, pass }) => {
      if (number > 1) return PASS_ALL({ number, options, say, pass });
      say("check", "name=a/one phase=check status=passed text=fine");
      say("begin", "name=a/one phase=control");
      return { verdict: "crash", message: "it died" };
    });
    expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/one": "failed" });
    expect(detail(runs[0], "a/one")).toContain("its control has no result: it died");
  });

  test("after its last check is the run's own problem", async () => {
    const { runs } = await play((boot) => {
      void PASS_ALL(boot);
      return { verdict: "crash", message: "it died" };
    });
    expect(statuses(runs[0])).toEqual(ALL_PASSED);
    expect(runs[0]?.problems).toEqual([
      {
        kind: "boot",
        message: "after its last check: it died (last stage: verdict)",
        log: "/logs/1.log",
      },
    ]);
    expect(code(runs)).toBe(1);
  });

  test("what has failed before is not run again until it passes", async () => {
    const { runs, boots } = await play(({ number, options, say, pass }) => {
      if (number > 1) return PASS_ALL({ number, options, say, pass });
      say("check", "name=a/one phase=check status=failed text=broken");
      return { verdict: "crash", message: "it died" };
    });
    expect(boots[1]).toEqual(["b/three", "b/four"]);
    expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/one": "failed", "a/two": "failed" });
    expect(detail(runs[0], "a/one")).toBe("broken");
  });
});

describe("what has failed is run once more, by itself,", () => {
  /** Fails `bad` in the first boot, and in the second one if `twice`. */
  const failing =
    (bad: string[], twice: boolean): Play =>
    ({ number, options, say, pass }) => {
      for (const check of options.checks)
        if (bad.includes(check) && (number === 1 || twice))
          say("check", `name=${check} phase=check status=failed text=boot ${number}`);
        else pass(check);
      return {};
    };

  test("and stays failed: both times", async () => {
    const { runs, boots } = await play(failing(["a/two"], true), { repeatFailed: true });
    expect(boots).toEqual([PLAN.map(({ name }) => name), ["a/two"]]);
    expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/two": "failed" });
    expect(detail(runs[0], "a/two")).toBe("failed 2 of 2: boot 1; the second time: boot 2");
    expect(runs[0]?.boots).toBe(2);
    expect(code(runs)).toBe(1);
  });

  test("or is flaky, which is not passed", async () => {
    const { runs, boots } = await play(failing(["a/two", "b/three"], false), {
      repeatFailed: true,
      releases: ["4.17", "4.20"],
    });
    // Only the first boot of all: the other version has nothing to repeat.
    expect(boots.slice(2)).toEqual([["a/two"], ["b/three"]]);
    expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/two": "failed", "b/three": "failed" });
    expect(detail(runs[0], "a/two")).toBe("flaky: failed 1 of 2: boot 1");
    expect(statuses(runs[1])).toEqual(ALL_PASSED);
    expect(code(runs)).toBe(1);
  });

  test("a green control counts as well, and a second boot that dies is a second failure", async () => {
    const { runs } = await play(
      ({ number, options, say, pass }) => {
        if (number > 1) {
          say("begin", "name=a/one phase=check");
          return { verdict: "crash", message: "it died" };
        }
        for (const check of options.checks.slice(1)) pass(check);
        say("check", "name=a/one phase=check status=passed text=");
        say("check", "name=a/one phase=control status=passed text=");
        return {};
      },
      { repeatFailed: true },
    );
    expect(detail(runs[0], "a/one")).toMatch(
      /^failed 2 of 2: its control stayed green.*; the second time: no result: it died/,
    );
  });

  test("but nothing is where all passed", async () => {
    const { boots } = await play(PASS_ALL, { repeatFailed: true });
    expect(boots).toHaveLength(1);
  });

  test("many share boots", async () => {
    const plan = Array.from({ length: 9 }, (_, n) => planned(`a/${n}`));
    const all = plan.map(({ name }) => name);
    const { boots } = await play(failing(all, true), { repeatFailed: true, plan });
    expect(boots).toEqual([all, all]);
  });
});

describe("nobody's fault", () => {
  test("is QEMU that was killed: one more try, and no trace of it", async () => {
    const { runs, boots } = await play((boot) =>
      boot.number === 1 ? { verdict: "host", message: "QEMU ended (SIGKILL)" } : PASS_ALL(boot),
    );
    expect(boots).toHaveLength(2);
    expect(statuses(runs[0])).toEqual(ALL_PASSED);
    expect(runs[0]?.problems).toEqual([]);
  });

  test("but twice it is trouble on the host", async () => {
    const { runs, boots } = await play(() => {
      throw new UserError("QEMU failed to start", { exitCode: ExitCode.HOST });
    });
    expect(boots).toHaveLength(2);
    expect(new Set(Object.values(statuses(runs[0])))).toEqual(new Set(["failed"]));
    expect(runs[0]?.problems).toMatchObject([{ kind: "host", message: "QEMU failed to start" }]);
    expect(code(runs)).toBe(122);
  });

  test("is a lost record, which is said all the same", async () => {
    const { runs, boots } = await play((boot) => {
      if (boot.number > 1) return PASS_ALL(boot);
      boot.pass("a/two");
      return { verdict: "crash", damage: [{ kind: "gap", message: "3 lines are missing" }] };
    });
    expect(boots[1]).toEqual(["a/one", "b/three", "b/four"]);
    expect(statuses(runs[0])).toEqual(ALL_PASSED);
    expect(runs[0]?.problems).toMatchObject([
      {
        kind: "records",
        message: "1 of a boot's records were lost or altered: 3 lines are missing",
      },
    ]);
    expect(code(runs)).toBe(1);
  });
});

test("a program that ends without a word about a check is not asked again", async () => {
  const { runs, boots } = await play(({ pass }) => {
    pass("a/two");
    return {};
  });
  expect(boots).toHaveLength(1);
  expect(statuses(runs[0])).toMatchObject({ "a/two": "passed", "b/three": "failed" });
  expect(detail(runs[0], "b/three")).toContain(
    "ended itself with exit code 0, without reporting a result",
  );
});

test("a program that says a bad exit code is a problem, whatever its checks came to", async () => {
  const { runs } = await play((boot) => {
    void PASS_ALL(boot);
    return { guestCode: 3 };
  });
  expect(runs[0]?.problems).toMatchObject([{ message: "the boot ended itself with exit code 3" }]);
  expect(code(runs)).toBe(1);
});

/** Says nothing more, and has the machine's last words when it is given up. */
async function hang({ options }: Boot): Promise<never> {
  return new Promise((_resolve, reject) => {
    options.signal.addEventListener("abort", () => {
      const reason = options.signal.reason as SilentBoot;
      reason.lastWords = "CPU#0 at 0x1";
      reject(reason);
    });
  });
}

test("a boot that says nothing is ended; what it was at runs again alone, and has failed if it hangs twice", async () => {
  const { runs, boots } = await play(
    async (boot) => {
      if (boot.options.checks.includes("a/one")) boot.pass("a/one");
      boot.say("scenario", "name=a/two phase=check");
      return boot.options.checks.includes("a/two") ? hang(boot) : PASS_ALL(boot);
    },
    { silenceMs: 20 },
  );
  expect(boots).toEqual([
    ["a/one", "a/two", "b/three", "b/four"],
    ["a/two"],
    ["b/three", "b/four"],
  ]);
  expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/two": "failed" });
  expect(detail(runs[0], "a/two")).toBe(
    "no result: the boot printed nothing for 20 ms; CPU#0 at 0x1, twice",
  );
  expect(runs[0]?.checks.find(({ name }) => name === "a/two")?.log).toBe("/logs/2.log");
});

test("control: one that hangs once, on a busy machine, has passed", async () => {
  const { runs } = await play(
    async (boot) => {
      if (boot.number > 1) return PASS_ALL(boot);
      boot.pass("a/one");
      return hang(boot);
    },
    { silenceMs: 20 },
  );
  expect(statuses(runs[0])).toEqual(ALL_PASSED);
});

test("checks of another machine have boots of their own", async () => {
  const plan = PLAN.map((check) =>
    check.name.startsWith("b/") ? { ...check, machine: "races" } : check,
  );
  const { runs, boots } = await play(PASS_ALL, { plan });
  expect(boots.map((one) => one.toSorted())).toEqual([
    ["a/one", "a/two"],
    ["b/four", "b/three"],
  ]);
  expect(statuses(runs[0])).toEqual(ALL_PASSED);
});

test("results of checks that were not asked for, or do not exist, fail", async () => {
  const { runs } = await play(
    (boot) => {
      void PASS_ALL(boot);
      boot.say("check", "name=b/four phase=check status=passed text=");
      boot.say("check", "name=no/such phase=check status=passed text=");
      return {};
    },
    { checks: PLAN.slice(0, 3) },
  );
  expect(statuses(runs[0])).toEqual({
    "a/one": "passed",
    "a/two": "passed",
    "b/three": "passed",
    "b/four": "failed",
    "no/such": "failed",
  });
});

test("what the table exempts is not booted, and counted as skipped", async () => {
  const exemption = {
    check: "a/two",
    phase: "check" as const,
    on: null,
    from: null,
    before: "4.18",
    reason: "it came with 4.18",
    source: "abc",
  };
  const table = { differences: [], exemptions: [exemption], faults: [] };
  const { runs, boots } = await play(PASS_ALL, { table, releases: ["4.17", "4.20"] });
  // The longer boot comes first.
  expect(boots).toEqual([
    ["a/one", "a/two", "b/three", "b/four"],
    ["a/one", "b/three", "b/four"],
  ]);
  expect(statuses(runs[0])).toEqual({ ...ALL_PASSED, "a/two": "skipped" });
  expect(statuses(runs[1])).toEqual(ALL_PASSED);
});

test("a version with nothing to run is a run without boots", async () => {
  const { runs, boots } = await play(PASS_ALL, { checks: [] });
  expect(boots).toEqual([]);
  expect(runs).toMatchObject([{ label: "4.17", checks: [], boots: 0, banner: null }]);
});

test("a table that does not fit the plan is an error", async () => {
  const table = {
    differences: [{ value: "x", what: "", answers: [], reason: "", reportedBy: [] }],
    exemptions: [],
    faults: [],
  };
  await expect(play(PASS_ALL, { table })).rejects.toThrow("x is reported by no check");
});

test("tables and series of several boots come together; a series that moves is a problem", async () => {
  const { runs } = await play(
    (boot) => {
      void PASS_ALL(boot);
      const { number, say } = boot;
      say("state", `name=tot_pages before=${number} shutdown=2 after=3`);
      say("stage", "name=paused ns=20");
      if (number === 2) say("stage", "name=request ns=0");
      say("series", `name=free_pages values=${number === 1 ? "7,7,7" : "7,7,8"}`);
      return {};
    },
    { jobs: 2, plan: PLAN.map((check) => ({ ...check, costMs: 2000 })) },
  );
  expect(runs[0]?.boots).toBeGreaterThan(1);
  expect(runs[0]?.state).toHaveLength(1);
  expect(runs[0]?.timeline).toEqual([
    { name: "request", ns: 0 },
    { name: "paused", ns: 20 },
  ]);
  expect(runs[0]?.problems[0]).toEqual({
    kind: "drift",
    message: "free_pages moved: 7 at first, 8 at sample 3 of 3, 8 at last",
    log: null,
  });
});

test("never more boots at a time than jobs", async () => {
  let now = 0;
  let most = 0;
  await play(
    async (boot) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 5));
      now--;
      return PASS_ALL(boot);
    },
    {
      jobs: 2,
      releases: ["4.14", "4.17", "4.20"],
      plan: PLAN.map((one) => ({ ...one, costMs: 5000 })),
    },
  );
  expect(most).toBe(2);
});

describe("ends every boot and rejects", () => {
  const hang: Play = ({ options: { signal } }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        aborted++;
        reject(signal.reason as Error);
      });
    });
  let aborted = 0;

  test("when it is aborted", async () => {
    aborted = 0;
    const stop = new AbortController();
    const running = play(hang, { signal: stop.signal, jobs: 2, releases: ["4.14", "4.17"] });
    setTimeout(() => {
      stop.abort(new Error("Ctrl-C"));
    }, 10);
    await expect(running).rejects.toThrow("Ctrl-C");
    expect(aborted).toBe(2);
  });

  test("when it is aborted already: nothing boots", async () => {
    const signal = AbortSignal.abort(new Error("Ctrl-C"));
    await expect(play(() => expect.unreachable(), { signal })).rejects.toThrow("Ctrl-C");
  });

  test("when a backend has a defect", async () => {
    aborted = 0;
    const failing: Play = (boot) => {
      if (boot.number === 1) return hang(boot);
      throw new TypeError("a defect");
    };
    await expect(play(failing, { jobs: 2, releases: ["4.14", "4.17"] })).rejects.toThrow(
      "a defect",
    );
    expect(aborted).toBe(1);
  });
});
