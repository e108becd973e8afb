// Every constant and structure that guest, toolstack and boot code use, against Xen's own public headers, of each
// release that Debian has.
// Why: a wrong offset does not fail, it quietly asks Xen for something else. The headers are Debian's libxen-dev,
// evaluated by gcc; ours are evaluated by the compilers that build guests. Fails if a value, an offset or a size
// differs, or if a name of ours is in none of Xen's headers and not listed in terms.ts with what it stands for.

import { describe, expect, test } from "vitest";

import { XEN_RELEASES } from "../../src/host/debian/index.js";
import { declaredByBoot, declaredByGuest } from "./declared.js";
import { evaluateC, evaluateClasses, linesOf } from "./evaluate.js";
import { headersOf, type Headers, type Values } from "./headers.js";
import { BEGINNINGS, NOT_IN_HEADERS, SINCE } from "./terms.js";

const guest = await declaredByGuest();
const boot = await declaredByBoot();
const guestLayouts = await evaluateClasses(guest.structures);
const table = await interfaceTable();
const releases = await Promise.all(
  XEN_RELEASES.map(async (release) => ({ release, headers: await headersOf(release) })),
);

/** One row of src/guest/toolstack/interface.ts. */
interface Interface {
  releases: string[];
  domctl: bigint;
  sysctl: bigint;
  run: boolean;
  grant_opts: bigint;
  emulation_flags: bigint;
  free_pages: bigint;
  set_paging_mempool_size: boolean;
}

async function interfaceTable(): Promise<Interface[]> {
  const lines = await linesOf(`
    import { INTERFACES } from "xenlet/raw/toolstack";
    for (let i = 0; i < INTERFACES.length; i++) {
      const row = INTERFACES[i];
      console.log(row.releases + ";" + row.domctl.toString() + ";" + row.sysctl.toString() + ";" +
        row.run.toString() + ";" + row.grant_opts.toString() + ";" + row.emulation_flags.toString() + ";" +
        row.free_pages.toString() + ";" + row.set_paging_mempool_size.toString());
    }`);
  return lines.map((line) => {
    const [names = "", domctl = "", sysctl = "", run, grant = "", emulation = "", free = "", pool] =
      line.split(";");
    return {
      releases: names.split(/, | or /),
      domctl: BigInt(domctl),
      sysctl: BigInt(sysctl),
      run: run === "true",
      grant_opts: BigInt(grant),
      emulation_flags: BigInt(emulation),
      free_pages: BigInt(free),
      set_paging_mempool_size: pool === "true",
    };
  });
}

function expectSame(ours: Values, theirs: Values, headers: Headers): void {
  const left = [...ours].filter(
    ([name]) =>
      !(name in NOT_IN_HEADERS) &&
      BEGINNINGS[name] !== null &&
      (theirs.has(name) || !headers.isTooOldFor(name)),
  );
  expect(Object.fromEntries(left)).toEqual(
    Object.fromEntries(left.map(([name]) => [name, theirs.get(name)])),
  );
}

/** What Xen's headers say where a row of the table says it. */
async function rowOf(headers: Headers): Promise<Omit<Interface, "releases" | "run">> {
  const fields = {
    domctl: "XEN_DOMCTL_INTERFACE_VERSION",
    sysctl: "XEN_SYSCTL_INTERFACE_VERSION",
    grant_opts: "offsetof(struct xen_domctl_createdomain, grant_opts)",
    emulation_flags: "offsetof(struct xen_domctl_createdomain, arch.emulation_flags)",
    free_pages: "offsetof(struct xen_sysctl_physinfo, free_pages)",
  };
  const pool = "XEN_DOMCTL_set_paging_mempool_size";
  const values = await headers.evaluate([...Object.values(fields), pool]);
  const value = (name: keyof typeof fields): bigint => values.get(fields[name]) ?? 0n;
  return {
    domctl: value("domctl"),
    sysctl: value("sysctl"),
    grant_opts: value("grant_opts"),
    emulation_flags: value("emulation_flags"),
    free_pages: value("free_pages"),
    set_paging_mempool_size: values.has(pool),
  };
}

describe.each(releases)("Xen $release", ({ release, headers }) => {
  if (headers === null) {
    test.skip("its headers are on no mirror any more");
    return;
  }

  describe("the guest runtime and the toolstack", () => {
    test("have Xen's constants", async () => {
      expect(guest.constants.size).toBeGreaterThan(200);
      expectSame(guest.constants, await headers.constants([...guest.constants.keys()]), headers);
    });

    test("have Xen's structures, as asc lays them out", async () => {
      expect(guest.structures.size).toBeGreaterThan(30);
      expectSame(guestLayouts, await headers.layouts(guest.structures), headers);
    });

    test("have a row of versions and offsets for it, that was run", async () => {
      const row = table.find((one) => one.releases.includes(release));
      expect(row).toMatchObject(await rowOf(headers));
      expect(row?.run).toBe(true);
    });
  });

  test("every error that the store can send has its number", async () => {
    const header = await headers.text("io/xs_wire.h");
    const theirs = [...header.matchAll(/^\s+XSD_ERROR\((\w+)\)/gm)].map(([, name]) => name);
    expect(theirs.length).toBeGreaterThan(13);
    const ours = await linesOf(`
      import { describeResult } from "xenlet/raw/errno";
      import { storeErrorNumber } from "xenlet/internal/xenstore/error";
      const names = "${theirs.join()}".split(",");
      for (let i = 0; i < names.length; i++) console.log(describeResult(storeErrorNumber(names[i])));`);
    expect(ours).toEqual(theirs.map((name) => `-${name ?? ""}`));
  });

  describe("boot code", () => {
    test("has Xen's constants", async () => {
      expect(boot.constants.size).toBeGreaterThan(15);
      expectSame(boot.constants, await headers.constants([...boot.constants.keys()]), headers);
    });

    test("has Xen's structures, as gcc lays them out", async () => {
      const mine = new Map(
        [...boot.structures].filter(
          ([name]) => !["e820_entry", "vcpu_hvm_context_64"].includes(name),
        ),
      );
      const expressions = [...mine].flatMap(([name, { fields }]) => [
        [name, `sizeof(struct ${name})`] as const,
        ...fields.map(
          (field) => [`${name}.${field}`, `offsetof(struct ${name}, ${field})`] as const,
        ),
      ]);
      const values = await ofBoot(expressions.map(([, expression]) => expression));
      const ours = new Map(
        expressions.map(([name, expression]) => [name, values.get(expression) ?? -1n]),
      );
      expectSame(ours, await headers.layouts(mine), headers);
    });

    test("has the 64-bit half of struct vcpu_hvm_context, which Xen's header keeps in a union", async () => {
      const fields = boot.structures.get("vcpu_hvm_context_64")?.fields ?? [];
      const registers = fields.filter((field) => field !== "mode");
      expect(registers.length).toBe(14);
      const ours = await ofBoot(
        registers.map((register) => `offsetof(struct vcpu_hvm_context_64, ${register})`),
      );
      const theirs = await headers.evaluate(
        registers.map(
          (register) => `offsetof(struct vcpu_hvm_context, cpu_regs.x86_64.${register})`,
        ),
      );
      expect([...ours.values()]).toEqual([...theirs.values()]);
    });
  });

  test("the control: a wrong value, a wrong offset, a wrong size and an unknown name are each seen", async () => {
    const names = ["SCHEDOP_poll", "SCHEDOP_unheard_of", "HVM_HW_CPU_RIP"];
    const constants = await headers.constants(names);
    expect(constants.get("SCHEDOP_poll")).toBe(3n);
    const layouts = await headers.layouts(
      new Map([
        ["sched_poll", { fields: ["timeout"] }],
        ["xen_domctl_getdomaininfo", { fields: ["shared_info_frame"] }],
        ["xen_domctl", { fields: [] }],
      ]),
    );
    expect(layouts.get("sched_poll.timeout")).toBe(16n);
    const red = (name: string, value: bigint, theirs: Values): void => {
      expect(() => {
        expectSame(new Map([[name, value]]), theirs, headers);
      }, name).toThrow();
    };
    red("SCHEDOP_poll", 4n, constants);
    red("SCHEDOP_unheard_of", 9n, constants);
    red("HVM_HW_CPU_RIP", 648n, constants);
    red("sched_poll.timeout", 8n, layouts);
    red("xen_domctl_getdomaininfo.shared_info_frame", 40n, layouts);
    red("xen_domctl", 8n, layouts);
  });

  test("the control: a row with another release's numbers is seen", async () => {
    const theirs = await rowOf(headers);
    for (const other of table.filter((one) => !one.releases.includes(release)))
      expect(other, other.releases.join()).not.toMatchObject(theirs);
  });
});

test("no name is excused in a release that has it", async () => {
  const names = Object.keys(SINCE).filter((name) => !guest.structures.has(name));
  for (const { headers } of releases)
    if (headers !== null)
      expect([...(await headers.constants(names)).keys()]).toEqual(
        names.filter((name) => !headers.isTooOldFor(name)),
      );
});

async function ofBoot(expressions: string[]): Promise<Values> {
  return evaluateC('#include <stddef.h>\n#include "boot/xen.h"', expressions, ["-I", "."]);
}
