/** A guest's records by hand, and what a collector makes of them. */
import type { TestSite } from "../../../../src/host/build/asc/transform/test-sites.js";
import type { GuestRecord } from "../../../../src/host/protocol/record.js";
import {
  TestCollector,
  type Collected,
  type Ending,
} from "../../../../src/host/suites/guest-tests/collector.js";

export const GOOD_END: Ending = {
  how: "exit",
  message: "the guest ended with exit code 0",
  guestCode: 0,
  frames: [],
};
export const CRASH: Ending = {
  how: "crash",
  message: "the guest trapped: unreachable",
  guestCode: null,
  frames: ["f (a.ts:7)"],
};

export function record(payload: string, kind = "test"): GuestRecord {
  return { kind, payload, seq: 0, signed: true };
}

/** A site in guest.ts. */
export function site(
  kind: TestSite["kind"],
  name: string,
  line: number,
  group: number | null = null,
): TestSite {
  return { kind, name, exact: true, file: "guest.ts", line, group };
}

/** What is collected of a guest dir/guest.ts; in a record `@7` stands for its file and line 7. */
export function collect(
  payloads: string[],
  ending: Ending = GOOD_END,
  sites: TestSite[] = [],
): Collected {
  const collector = new TestCollector("dir/guest.ts", sites);
  for (const payload of payloads)
    collector.record(record(payload.replace(/@(\d+)/, "file=guest.ts line=$1")));
  return collector.end(ending);
}

/** A test that passes, with one assertion in the line behind it. */
export function passing(name: string, line: number): string[] {
  return [
    `event=start @${line} text=${name}`,
    `event=pass @${line + 1} text=it holds`,
    "event=done assertions=1 failures=0 ns=1500000",
  ];
}

export const end = (passed: number, failed = 0): string =>
  `event=end passed=${passed} failed=${failed} skipped=0 todo=0`;
