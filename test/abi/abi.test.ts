// Every constant and structure that guest and boot code use, against Xen's own public headers.
// Why: a wrong offset does not fail, it quietly asks Xen for something else. The headers are Debian's libxen-dev,
// evaluated by gcc; ours are evaluated by the compilers that build guests. Fails if a value, an offset or a size
// differs, or if a name of ours is in no header of Xen's and not listed below with what it stands for.

import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";

import { providePackages } from "../../src/machine/debian/index.js";
import { createProgress } from "../../src/progress.js";
import { declaredByBoot, declaredByGuest, type Declared } from "./declared.js";
import { evaluateC, evaluateClasses } from "./evaluate.js";

const HEADERS = [
  "xen.h",
  "errno.h",
  "sched.h",
  "event_channel.h",
  "memory.h",
  "vcpu.h",
  "grant_table.h",
  "version.h",
  "elfnote.h",
  "hvm/hvm_op.h",
  "hvm/params.h",
  "hvm/hvm_vcpu.h",
  "arch-x86/cpuid.h",
  "arch-x86/hvm/start_info.h",
  "io/console.h",
  "io/xs_wire.h",
];

/** Names of ours that Xen's headers spell otherwise. */
function inXensTerms(name: string): string {
  const layout =
    /^(SHARED_INFO|VCPU_INFO|TIME|RUNSTATE_INFO|CONTROL_BLOCK|XENCONS|XENSTORE_INTERFACE)_(\w+)$/.exec(
      name,
    );
  if (layout) {
    const structure = {
      SHARED_INFO: "shared_info",
      VCPU_INFO: "vcpu_info",
      TIME: "vcpu_time_info",
      RUNSTATE_INFO: "vcpu_runstate_info",
      CONTROL_BLOCK: "evtchn_fifo_control_block",
      XENCONS: "xencons_interface",
      XENSTORE_INTERFACE: "xenstore_domain_interface",
    }[layout[1] ?? ""];
    const field = (layout[2] ?? "").toLowerCase();
    return field === "size"
      ? `sizeof(struct ${structure ?? ""})`
      : `offsetof(struct ${structure ?? ""}, ${field})`;
  }
  if (/^E[A-Z0-9]+$/.test(name)) return `XEN_${name}`;
  return name;
}

/** Structures of ours that Xen's headers call otherwise. */
const STRUCTURES: Record<string, string> = {
  evtchn_port: "evtchn_close",
  sched_pin_override: "sched_pin_override",
};

/** What has no name in a public header, and where it comes from instead. */
const NOT_IN_HEADERS: Record<string, string> = {
  XEN_HVM_DEBUGCONS_IOPORT: "xen/arch/x86/hvm/hvm.c",
  XEN_CPUID_FIRST_LEAF: "arch-x86/cpuid.h, XEN_CPUID_LEAF: a macro with an argument",
  XEN_CPUID_LEAF_STEP: "the same, and docs/misc/pvh",
  XEN_CPUID_LAST_LEAF: "the same",
};

const structureOf = (name: string): string => `struct ${STRUCTURES[name] ?? name}`;

let flags: string[];
let preamble: string;
let guest: Declared;
let boot: Declared;

beforeAll(async () => {
  const { root } = await providePackages(
    ["libxen-dev"],
    "bookworm",
    createProgress(process.stderr, { quiet: true }),
  );
  flags = ["-I", join(root, "usr/include"), "-D__XEN_TOOLS__"];
  preamble = [
    "#include <stddef.h>",
    "#include <stdint.h>",
    ...HEADERS.map((header) => `#include <xen/${header}>`),
  ].join("\n");
  guest = await declaredByGuest();
  boot = await declaredByBoot();
});

/** Our names with Xen's values, for those that Xen's headers have. */
async function xensConstants(names: string[]): Promise<Map<string, bigint>> {
  const values = await evaluateC(preamble, [...new Set(names.map(inXensTerms))], flags);
  return new Map(
    names.flatMap((name) =>
      values.has(inXensTerms(name)) ? [[name, values.get(inXensTerms(name)) ?? 0n] as const] : [],
    ),
  );
}

async function xensLayouts(structures: Map<string, string[]>): Promise<Map<string, bigint>> {
  const expressions = new Map<string, string>();
  for (const [name, fields] of structures) {
    expressions.set(name, `sizeof(${structureOf(name)})`);
    for (const field of fields)
      expressions.set(`${name}.${field}`, `offsetof(${structureOf(name)}, ${field})`);
  }
  const values = await evaluateC(preamble, [...expressions.values()], flags);
  return new Map(
    [...expressions].flatMap(([ours, theirs]) =>
      values.has(theirs) ? [[ours, values.get(theirs) ?? 0n] as const] : [],
    ),
  );
}

function expectSame(ours: Map<string, bigint>, theirs: Map<string, bigint>): void {
  const left = [...ours].filter(([name]) => !(name in NOT_IN_HEADERS));
  expect(Object.fromEntries(left)).toEqual(
    Object.fromEntries(left.map(([name]) => [name, theirs.get(name)])),
  );
}

describe("the guest runtime", () => {
  test("has Xen's constants", async () => {
    expect(guest.constants.size).toBeGreaterThan(50);
    expectSame(guest.constants, await xensConstants([...guest.constants.keys()]));
  });

  test("has Xen's structures, as asc lays them out", async () => {
    expect(guest.structures.size).toBeGreaterThanOrEqual(12);
    const modules = new Map<string, string>();
    for (const file of await readdir("src/guest/abi"))
      for (const [, name = ""] of (await readFile(`src/guest/abi/${file}`, "utf8")).matchAll(
        /export class (\w+)/gm,
      ))
        modules.set(name, `xenlet/abi/${file.replace(/\.ts$/, "")}`);
    const classes = new Map(
      [...guest.structures].map(([name, fields]) => [
        name,
        { module: modules.get(name) ?? "", fields },
      ]),
    );
    expectSame(await evaluateClasses(classes), await xensLayouts(guest.structures));
  });
});

describe("boot code", () => {
  test("has Xen's constants", async () => {
    expect(boot.constants.size).toBeGreaterThan(15);
    expectSame(boot.constants, await xensConstants([...boot.constants.keys()]));
  });

  test("has Xen's structures, as gcc lays them out", async () => {
    const mine = new Map(
      [...boot.structures].filter(
        ([name]) => !["e820_entry", "vcpu_hvm_context_64"].includes(name),
      ),
    );
    const expressions = [...mine].flatMap(([name, fields]) => [
      `sizeof(struct ${name})`,
      ...fields.map((field) => `offsetof(struct ${name}, ${field})`),
    ]);
    const values = await evaluateC('#include <stddef.h>\n#include "boot/xen.h"', expressions, [
      "-I",
      ".",
    ]);
    const ours = new Map(
      [...mine].flatMap(([name, fields]) => [
        [name, values.get(`sizeof(struct ${name})`) ?? -1n] as const,
        ...fields.map(
          (field) =>
            [`${name}.${field}`, values.get(`offsetof(struct ${name}, ${field})`) ?? -1n] as const,
        ),
      ]),
    );
    expectSame(ours, await xensLayouts(mine));
  });

  test("has the 64-bit half of struct vcpu_hvm_context, which Xen's header keeps in a union", async () => {
    const fields = boot.structures.get("vcpu_hvm_context_64") ?? [];
    const registers = fields.filter((field) => field !== "mode");
    expect(registers.length).toBe(14);
    const ours = await evaluateC(
      '#include <stddef.h>\n#include "boot/xen.h"',
      registers.map((register) => `offsetof(struct vcpu_hvm_context_64, ${register})`),
      ["-I", "."],
    );
    const theirs = await evaluateC(
      preamble,
      registers.map((register) => `offsetof(struct vcpu_hvm_context, cpu_regs.x86_64.${register})`),
      flags,
    );
    expect([...ours.values()]).toEqual([...theirs.values()]);
  });
});

test("the control: a wrong value, a wrong offset and an unknown name are each seen", async () => {
  const theirs = await xensConstants(["SCHEDOP_poll", "SCHEDOP_unheard_of"]);
  expect(theirs.get("SCHEDOP_poll")).toBe(3n);
  expect(() => {
    expectSame(new Map([["SCHEDOP_poll", 4n]]), theirs);
  }).toThrow();
  expect(() => {
    expectSame(new Map([["SCHEDOP_unheard_of", 9n]]), theirs);
  }).toThrow();
  const layout = await xensLayouts(new Map([["sched_poll", ["timeout"]]]));
  expect(layout.get("sched_poll.timeout")).toBe(16n);
});
