/** A backend without Xen: each boot is played by a function. */
import type { XenBinary } from "../../../../src/host/debian/index.js";
import type { GuestRecord } from "../../../../src/host/protocol/record.js";
import type {
  ConformanceBackend,
  ConformanceBoot,
  ConformanceBootOptions,
} from "../../../../src/host/suites/conformance/backend.js";
import type { Expectations } from "../../../../src/host/suites/conformance/expectations.js";
import type { PlannedCheck } from "../../../../src/host/suites/conformance/planned-check.js";

export const NOTHING_KNOWN: Expectations = { differences: [], exemptions: [], faults: [] };

export function record(kind: string, payload: string, signed = true): GuestRecord {
  return { kind, payload, seq: 0, signed };
}

export interface Boot {
  /** From 1, over all versions. */
  number: number;
  options: ConformanceBootOptions;
  say: (kind: string, payload: string) => void;
  /** Says that a check passed, and its control went red if it has one. */
  pass: (name: string) => void;
}

export type Play = (boot: Boot) => Partial<ConformanceBoot> | Promise<Partial<ConformanceBoot>>;

export const PASS_ALL: Play = ({ options, pass }) => {
  options.checks.forEach(pass);
  return {};
};

export function standIn(
  plan: PlannedCheck[],
  play: Play,
): ConformanceBackend & { boots: string[][] } {
  const boots: string[][] = [];
  return {
    boots,
    plan: () => Promise.resolve(plan),
    async boot(options) {
      const number = boots.push(options.checks);
      options.onLog(`/logs/${number}.log`);
      const say = (kind: string, payload: string): void => {
        options.onRecord(record(kind, payload));
      };
      const pass = (name: string): void => {
        say("check", `name=${name} phase=check status=passed text=fine`);
        if (plan.find((check) => check.name === name)?.control === true)
          say("check", `name=${name} phase=control status=failed text=it shows`);
      };
      const played = await play({ number, options, say, pass });
      return {
        verdict: "exit",
        guestCode: 0,
        message: "the guest ended with exit code 0",
        stage: "verdict",
        damage: [],
        trap: null,
        log: `/logs/${number}.log`,
        xen: { banner: options.xen.debianVersion },
        ...played,
      };
    },
  };
}

export const xen = (release: string, version = `${release}.7+1-g0`): XenBinary => ({
  path: `/xen-${release}`,
  release,
  debianVersion: version,
});
