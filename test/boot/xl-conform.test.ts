// The conformance checks under stock xl: a domain for a scenario, and one for its control, in one dom0 of Debian's.
//
// Why: there no program of xenlet's is in dom0, so what a check comes to is what the guest saw, read off its console. How it would
// fail: a control that is reset as well and stays green, a check that is passed over without a reason, or one that is not
// made and counts as passed: the last one is asked for here although it cannot be shown. The dom0 of 4.20 has oxenstored here.

import { expect, test } from "vitest";

import { provideXen } from "../../src/host/debian/index.js";
import { createBackend } from "../../src/host/suites/conformance/default-backend.js";
import { expectationsOn } from "../../src/host/suites/conformance/expectations-on.js";
import { runMatrix } from "../../src/host/suites/conformance/run.js";
import { filterChecks } from "../../src/host/suites/conformance/select.js";
import { extent } from "../fixtures/extent.js";
import { createProgress } from "../../src/host/base/progress.js";

const { signal } = new AbortController();
const progress = createProgress(process.stderr, { quiet: true });
/** Made from dom0, and not exempted below. */
const UNSEEN = "event-channels/console-offered-second";

test.each(
  extent(
    [["xl", "4.20"]] as const,
    [
      ["xl", "4.20"],
      ["xl-hvm", "4.17"],
    ] as const,
  ),
)(
  "--on %s, Xen %s: passed, with a red control; skipped, with a reason; and failed where nobody said a word",
  async (on, release) => {
    const backend = await createBackend({ on, progress, signal });
    const plan = await backend.plan();
    const { differences, exemptions } = expectationsOn(on, plan);
    const [run] = await runMatrix({
      backend,
      on,
      xens: [{ label: release, xen: await provideXen(release, progress) }],
      plan,
      checks: filterChecks(plan, [
        "event-channels/virq-timer-rebind",
        "event-channels/peer-unbound",
        UNSEEN,
      ]),
      table: {
        differences,
        faults: [],
        exemptions: exemptions.filter(({ check }) => check !== UNSEEN),
      },
      jobs: 1,
      silenceMs: 180_000,
    });
    const results = run?.checks.map(({ name, status, control, detail }) => [
      name,
      status,
      control,
      detail,
    ]);
    expect(results).toEqual([
      [
        "event-channels/virq-timer-rebind",
        "passed",
        "red",
        expect.stringContaining("EVTCHNOP_bind_virq(VIRQ_TIMER) = "),
      ],
      [
        "event-channels/peer-unbound",
        "skipped",
        "none",
        expect.stringContaining("dom0 has to look"),
      ],
      [UNSEEN, "failed", "none", expect.stringContaining("no result")],
    ]);
    expect(run).toMatchObject({ on, boots: 1, problems: [] });
  },
  600_000,
);
