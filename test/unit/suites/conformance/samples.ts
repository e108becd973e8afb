/** Reports to try reporters on: one like a real one, and one with everything that is awkward to write down. */
import type { CheckResult, Report, Run } from "../../../../src/host/report/matrix/model.js";
import type { PlannedCheck } from "../../../../src/host/suites/conformance/planned-check.js";
import { AWKWARD } from "../guest-tests/results.js";

export { AWKWARD };

export function planned(name: string, more: Partial<PlannedCheck> = {}): PlannedCheck {
  return {
    name,
    title: `the claim of ${name}`,
    area: areaOf(name),
    suite: "reset",
    notUnderXl: null,
    control: false,
    ...more,
  };
}

function areaOf(name: string): string {
  const [area = ""] = name.split("/");
  return `${area.charAt(0).toUpperCase()}${area.slice(1).replaceAll("-", " ")}`;
}

export function result(name: string, xen: string, more: Partial<CheckResult> = {}): CheckResult {
  return {
    name,
    title: `the claim of ${name}`,
    area: areaOf(name),
    xen,
    on: "domu",
    status: "passed",
    detail: `${name} is as it should be`,
    control: "red",
    controlDetail: "without the reset it is not",
    claims: [{ phase: "check", ok: true, text: "EVTCHNOP_bind_virq again: 0, expected 0" }],
    durationMs: 41.5,
    log: "/cache/logs/one.log",
    ...more,
  };
}

export function run(label: string, more: Partial<Run> = {}): Run {
  return {
    label,
    on: "domu",
    debianVersion: `${label}.7+1-g0123456789-0+deb0u1`,
    banner: `${label}.7+1-g0123456789-0+deb0u1`,
    machine: { hostname: "here", qemu: "7.2.22" },
    checks: [],
    state: [],
    timeline: [],
    series: [],
    problems: [],
    boots: 2,
    durationMs: 6200,
    ...more,
  };
}

export function report(runs: Run[], more: Partial<Report> = {}): Report {
  return {
    runs,
    unavailable: [],
    selected: [...new Set(runs.flatMap(({ checks }) => checks.map(({ name }) => name)))],
    shard: null,
    began: "2025-06-01T08:30:00.000Z",
    durationMs: 12_400,
    ...more,
  };
}

const AREAS: Record<string, string[]> = {
  "event-channels": [
    "virq-rebind",
    "ports-start-over",
    "fifo-back-to-two-level",
    "other-end-unbound",
    "mask-bits-survive",
    "pending-bits-cleared",
  ],
  "vcpu-info": ["registered-again", "other-vcpu-running", "stale-upcall-pending"],
  "shared-info": [
    "mapped-again",
    "hole-becomes-memory",
    "page-not-lost",
    "contents-of-the-new-page",
  ],
  grants: ["active-grant-is-said", "entry-survives", "pin-survives"],
  survives: [
    "memory-pattern",
    "registers-and-stack",
    "return-value",
    "hvm-parameters",
    "second-vcpu",
  ],
  "stays-dirty": ["watchdog", "time-area", "poll-timer", "upcall-vector"],
  "who-may": [
    "dom0-on-itself",
    "domain-not-paused",
    "running-domain",
    "pv-domain",
    "no-memory-left",
  ],
};

/** As a run of the suite comes out: some skipped where they cannot be shown, and in `failing` some failed. */
export function sample({ failing = false }: { failing?: boolean } = {}): Report {
  const names = Object.entries(AREAS).flatMap(([area, checks]) =>
    checks.map((check) => `${area}/${check}`),
  );
  const runs = ["4.14", "4.17", "4.20"].map((label, column) =>
    run(label, {
      checks: names.map((name, at) => {
        if (label === "4.14" && name === "stays-dirty/poll-timer")
          return result(name, label, {
            status: "skipped",
            detail: "cannot be shown there: it came with 4.18 (d5df44275e)",
            control: "none",
            controlDetail: "",
            claims: [],
            durationMs: null,
            log: null,
          });
        if (
          failing &&
          ((name === "grants/pin-survives" && column > 0) || name === "who-may/pv-domain")
        )
          return result(name, label, {
            status: "failed",
            detail: "did not hold: XEN_DOMCTL_soft_reset of a PV domain: 0, expected -22 (-EINVAL)",
            control: column === 1 ? "green" : "red",
            claims: [
              { phase: "check", ok: true, text: "the domain is a PV one: flags 0x0, expected 0x0" },
              { phase: "check", ok: false, text: "XEN_DOMCTL_soft_reset: 0, expected -22" },
              { phase: "control", ok: false, text: "resumed: 0, expected -22" },
            ],
          });
        return result(name, label, {
          durationMs: 30 + ((at * 37) % 60),
          ...(name.startsWith("who-may/") ? { control: "none", controlDetail: "" } : {}),
        });
      }),
      timeline: [
        { name: "request", ns: 0 },
        { name: "toolstack sees reason 5", ns: 61_300 + column * 4000 },
        { name: "paused", ns: 74_900 + column * 4000 },
        { name: "XEN_DOMCTL_soft_reset", ns: 312_450 + column * 9000 },
        { name: "store and console ports", ns: 341_000 + column * 9000 },
        { name: "unpaused", ns: 352_800 + column * 9000 },
        { name: "guest goes on", ns: 371_230 + column * 9000 },
        { name: "attached again", ns: 498_700 + column * 9000 },
      ],
      state: [
        { name: "flags", before: "0x102", atShutdown: "0x5010e", afterReset: "0x10a" },
        { name: "shutdown reason", before: "255", atShutdown: "5", afterReset: "255" },
        { name: "tot_pages", before: "8191", atShutdown: "8191", afterReset: "8192" },
        { name: "shared_info gfn", before: "0x11c", atShutdown: "0x11c", afterReset: "~0" },
        { name: "event channels", before: "4", atShutdown: "4", afterReset: "0" },
        { name: "HVM_PARAM_STORE_EVTCHN", before: "1", atShutdown: "1", afterReset: "1" },
      ],
      series: [
        { name: "free_pages", values: Array.from({ length: 100 }, () => 114_503) },
        {
          name: "tot_pages",
          values: Array.from({ length: 100 }, (_, at) =>
            failing && column === 2 ? 8192 + Math.floor(at / 30) : 8192,
          ),
        },
      ],
      problems:
        failing && column === 2
          ? [
              {
                kind: "drift" as const,
                message: "tot_pages moved: 8192 at first, 8193 at sample 31 of 100, 8195 at last",
                log: null,
              },
            ]
          : [],
    }),
  );
  return report(runs, { selected: names });
}

/** Everything that a format stumbles over, in every place that a guest or a user can write to. */
export const AWKWARD_REPORT: Report = report(
  [
    run("4.17", {
      checks: [
        result("a/good", "4.17", { detail: AWKWARD, title: AWKWARD }),
        result("a/bad", "4.17", {
          status: "failed",
          title: AWKWARD,
          area: AWKWARD,
          detail: AWKWARD,
          control: "green",
          controlDetail: AWKWARD,
          claims: [{ phase: "check", ok: false, text: AWKWARD }],
          log: "/tmp/<b>.log",
        }),
        result("a/not-here", "4.17", { status: "skipped", detail: AWKWARD, control: "none" }),
      ],
      state: [{ name: AWKWARD, before: AWKWARD, atShutdown: AWKWARD, afterReset: "x" }],
      timeline: [{ name: AWKWARD, ns: 12 }],
      series: [{ name: AWKWARD, values: [1, 2] }],
      problems: [{ kind: "records", message: AWKWARD, log: "/tmp/<b>.log" }],
    }),
    run("a-file-with-a-long-name <script>", {
      debianVersion: null,
      banner: "4.21-unstable",
      checks: [result("a/good", "a-file-with-a-long-name <script>")],
    }),
  ],
  { unavailable: [{ label: "4.14", reason: AWKWARD, excused: false }] },
);
