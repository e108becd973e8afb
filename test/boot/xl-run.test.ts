// One image at a time under stock xl: `bootGuest({ on: "xl" })`, which is `xenlet run --on xl`.
//
// Why: the verdict rests on the guest's records by two ways (the debug port, and a console that passes through
// xenconsoled and dom0) and on what xl says of the end. How it would fail: a success without a power-off, a record
// that is lost on the way, or an end that leaves the person who runs it without a reason.

import { beforeAll, expect, test } from "vitest";

import { everything, everythingPrinted } from "./everything.js";
import { longTest } from "./long-test.js";
import { boot, build, expectSuccess, printed } from "./setup.js";

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/xl.ts");
});

test("words, environment, input, all that a guest prints and its code come through, and the stages of dom0 are told", async () => {
  const stages: string[] = [];
  const output: Buffer[] = [];
  const result = await boot(await build("test/boot/guest/output.ts"), {
    ...everything("exit"),
    on: "xl",
    onStage: (stage) => stages.push(stage),
    onOutput: (bytes, stream) => {
      if (stream === "stdout") output.push(Buffer.from(bytes));
    },
  });
  expectSuccess(result);
  expect(result.on).toBe("xl");
  expect(result.ended).toEqual({ how: "poweroff", reason: 0 });
  expect(Buffer.concat(output).toString()).toBe(everythingPrinted("exit", 1));
  expect(stages).toEqual(["xen", "dom0", "xl-create", "runtime", "verdict"]);
});

// What stock xl itself does then: xl.test.ts.
longTest(
  "a soft reset that stock xl makes a destruction of is a crash, told with its reason",
  async () => {
    const result = await boot(image, { on: "xl", cmdline: "do=soft-reset" });
    expect(result).toMatchObject({ verdict: "crash", exitCode: 120, guestCode: null });
    expect(result.message).toContain("libxl does not reset PVH domains");
    // What it did before is all there.
    expect(printed(result)).toEqual(["console at-first"]);
  },
);

test("an xl that cannot make the domain is trouble of the host, in xl's own words", async () => {
  // dom0 has no such file to give: ramdisk= names what is an empty file, which libxl refuses to load.
  const result = await boot(image, { on: "xl", cmdline: "do=nothing", modules: ["/dev/null"] });
  expect(result).toMatchObject({ verdict: "host", exitCode: 122, stage: "xl-create" });
  expect(result.message).toMatch(/xl create ended with [1-9]\d*: \S/);
});

test("what xl cannot do is refused before anything starts", async () => {
  const xl = { on: "xl" } as const;
  await expect(boot(image, { ...xl, onSoftReset: "resume" })).rejects.toThrow(/cannot resume/);
  await expect(boot(image, { ...xl, modules: [image, image] })).rejects.toThrow(
    /at most one module/,
  );
  await expect(boot(image, { ...xl, typed: "x" })).rejects.toThrow(/cannot receive typed input/);
  const other = { path: "/x", release: "4.21", debianVersion: null };
  await expect(boot(image, { ...xl, xen: other })).rejects.toThrow(/no xl for Xen 4\.21/);
});
