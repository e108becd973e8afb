// What the kexec story's page and pictures are made of: steps in lanes, and what each changed in the domain's state. Why:
// people who learn soft reset from them believe every line. Fails if a change is shown that did not happen, one is left out,
// if an answer of Xen's is shown as the guest's doing, or a guest's word becomes markup.

import { describe, expect, test } from "vitest";

import { lanesPicture } from "../../../../src/host/cli/commands/demo/lanes-svg.js";
import {
  stepsOf,
  withoutMeasures,
  type StoryStep,
  type ToldStory,
} from "../../../../src/host/cli/commands/demo/steps.js";
import { storyPage } from "../../../../src/host/cli/commands/demo/story-page.js";
import { storyOf, WITH_RESET, WITHOUT_RESET } from "../../../fixtures/story-records.js";

const told = (records: typeof WITH_RESET, reset: boolean): ToldStory => ({
  reset,
  expected: true,
  text: "it ended",
  steps: stepsOf(storyOf(records, reset).lines),
});
const GOOD = told(WITH_RESET, true);
const BAD = told(WITHOUT_RESET, false);

function step(story: ToldStory, begin: string): StoryStep {
  const found = story.steps.find(({ text }) => text.startsWith(begin));
  if (found === undefined) throw new Error(`no step begins with "${begin}"`);
  return found;
}

describe("the domain's state", () => {
  test("what the first kernel claims is a change, and what it is refused is none", () => {
    expect(step(GOOD, "first kernel").changes).toEqual([
      { part: "vcpu_info", from: "not registered", to: "registered by the first kernel" },
      {
        part: "event channels",
        from: "1 interdomain, 2 interdomain",
        to: "1 interdomain, 2 interdomain, 3 virq",
      },
      { part: "shared_info at frame", from: "nowhere", to: "0x7fbe" },
    ]);
    expect(step(GOOD, "second attempt").changes).toEqual([]);
  });

  test("a soft reset cleans all of it; the page that shared_info covered is counted again", () => {
    const reset = step(GOOD, "toolstack: pauses");
    expect(reset.changes.map(({ part, to }) => [part, to])).toEqual([
      ["vcpu_info", "not registered"],
      ["event channels", "none"],
      ["shared_info at frame", "nowhere"],
      ["pages", "32777"],
    ]);
    // What a change says is not said twice.
    expect(reset.details.map(({ text }) => text)).toEqual([
      "pages: 32776 → 32777",
      expect.stringMatching(/^XEN_DOMCTL_soft_reset = 0/),
    ]);
    expect(step(GOOD, "second kernel").state.vcpu_info).toBe("registered by the second kernel");
  });

  test("without it the first kernel's is still there at the end", () => {
    expect(BAD.steps.at(-1)?.state).toEqual({
      vcpu_info: "registered by the first kernel",
      "event channels": "1 interdomain, 2 interdomain, 3 virq",
      "shared_info at frame": "0x7fbe",
      pages: "32776",
    });
  });

  test("a reset that Xen refuses changes nothing", () => {
    const records = WITH_RESET.filter(
      ([, , payload]) => !payload.includes("event=state name="),
    ).map(([stream, kind, payload]): (typeof WITH_RESET)[number] => [
      stream,
      kind,
      payload.replace("soft-reset result=0", "soft-reset result=-22"),
    ]);
    const lines = storyOf(records, true).lines;
    const at = lines.findIndex(({ text }) => text === "XEN_DOMCTL_soft_reset = -22");
    expect(at).toBeGreaterThan(0);
    expect(lines[at]?.state.vcpu_info).toBe("registered by the first kernel");
  });
});

test("what Xen answers is in Xen's lane, what the toolstack does in its own", () => {
  const lanes = Object.fromEntries(
    storyOf(WITH_RESET, true).lines.map(({ text, lane }) => [text, lane]),
  );
  expect(lanes).toMatchObject({
    "first kernel: claims the domain's one-time resources": "guest",
    "VCPUOP_register_vcpu_info = 0": "xen",
    "XENMEM_add_to_physmap(XENMAPSPACE_shared_info) = frame 0x7fbe": "xen",
    "SCHEDOP_shutdown(SHUTDOWN_soft_reset)": "guest",
    "toolstack: pauses the domain; Xen cleans it up. Before and after:": "toolstack",
    "shared_info at frame: 0x7fbe → nowhere": "xen",
  });
});

test("a picture has nothing of one run alone", () => {
  const picture = (records: typeof WITH_RESET): string =>
    lanesPicture(withoutMeasures(told(records, true)), "t");
  const other = WITH_RESET.map(([stream, kind, payload]): (typeof WITH_RESET)[number] => [
    stream,
    kind,
    payload.replaceAll("0x7fbe", "0x1234").replaceAll("3277", "6555"),
  ]);
  expect(picture(other)).toBe(picture(WITH_RESET));
  expect(picture(WITH_RESET)).toContain("Δ shared_info at frame: … → nowhere");
});

test("what a guest says is text in both, whatever it looks like", () => {
  const hostile: ToldStory = {
    ...GOOD,
    text: "</desc><script>1</script>",
    steps: GOOD.steps.map((one) => ({ ...one, text: '<img src="x">&' })),
  };
  for (const markup of [lanesPicture(hostile, "t"), storyPage("Xen", [hostile])]) {
    expect(markup).not.toContain("<img");
    expect(markup).not.toContain("<script");
    expect(markup).toContain("&lt;img src=&quot;x&quot;&gt;&amp;");
  }
});
