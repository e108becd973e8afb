// The toolstack's program, whole, against a Xen that answers what no Xen here would: an interface version that
// is unknown, memory that ends in the middle, an image or a bundle that is damaged, a command line with a slip.
// Why: it runs as dom0 before anything of the guest does, and nothing else can say what it does not. Fails
// if it continues nevertheless, reads beyond what it was given, or stops without the number or the field.

import { beforeAll, describe, expect, test } from "vitest";

import { buildElf, pvhNote, TEXT_PHYS, validImage } from "../fixtures/elf-builder.js";
import { DOMCTL, FakeDom0, type Call } from "./fake-dom0.js";
import { prepareGuest } from "./load.js";

const SHUTDOWN_poweroff = 0;
const SHUTDOWN_reboot = 1;
const SHUTDOWN_crash = 3;
const SHUTDOWN_soft_reset = 5;

const START_INFO = 0x336ec578;

let start: Awaited<ReturnType<typeof prepareGuest>>;
const image = Buffer.from(buildElf(validImage()));

beforeAll(async () => {
  start = await prepareGuest("src/guest/toolstack/main.ts");
});

/** Runs the program up to the end of the machine. */
function run(prepare: (xen: FakeDom0) => void = () => undefined): {
  xen: FakeDom0;
  reason: number;
} {
  const xen = new FakeDom0();
  xen.commandLine = "nonce=t memory=8";
  xen.module = image;
  xen.meanwhile.push(() => {
    xen.shutDown(SHUTDOWN_poweroff);
  });
  prepare(xen);
  return { xen, reason: start(xen).reason };
}

/** That the program gave up, and what it said. */
function refusal(prepare: (xen: FakeDom0) => void): string {
  const { xen, reason } = run(prepare);
  expect(reason).toBe(SHUTDOWN_crash);
  const last = xen.records.at(-1);
  expect(last?.kind).toBe("abort");
  return last?.text ?? "";
}

const numbers = (xen: FakeDom0): number[] => xen.domctls.map(({ cmd }) => cmd);
const callOf = (xen: FakeDom0, cmd: number): Call | undefined =>
  xen.domctls.find((call) => call.cmd === cmd);

describe("a domain, from its making to its end", () => {
  test("in libxl's order: made, sized, filled, entered, connected, and only then let go", () => {
    const { xen, reason } = run();
    expect(reason).toBe(SHUTDOWN_reboot);
    expect(numbers(xen).slice(0, 4)).toEqual([
      DOMCTL.createdomain,
      DOMCTL.max_vcpus,
      DOMCTL.max_mem,
      DOMCTL.set_paging_mempool_size,
    ]);
    expect(numbers(xen).slice(4)).toEqual([
      DOMCTL.sethvmcontext,
      DOMCTL.unpausedomain,
      DOMCTL.getdomaininfo,
      DOMCTL.destroydomain,
    ]);
    expect(xen.log.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
      "domain domid=1 event=created interface=21",
      "domain domid=1 event=ended reason=0",
    ]);
  });

  test("image, start_info and entry are where a PVH guest looks for them", () => {
    const { xen } = run((fake) => {
      fake.commandLine = "nonce=t memory=8 -- nonce=g on=domu and more";
    });
    const { domain } = xen;
    const state = Buffer.from(domain.context ?? []);
    // hvm_save_descriptor, hvm_save_header, hvm_save_descriptor: then struct hvm_hw_cpu.
    const cpu = 8 + 24 + 8;
    const startInfo = Number(state.readBigUInt64LE(cpu + 520));
    expect(Number(state.readBigUInt64LE(cpu + 640))).toBe(TEXT_PHYS);
    expect(domain.read(TEXT_PHYS, 64)).toEqual(Buffer.alloc(64, 0x90));
    const info = domain.read(startInfo, 56);
    expect(info.readUInt32LE(0)).toBe(START_INFO);
    expect(info.readUInt32LE(4)).toBe(1);
    const cmdline = domain.read(Number(info.readBigUInt64LE(24)), 64).toString("latin1");
    expect(cmdline.split("\0")[0]).toBe("nonce=g on=domu and more");
    expect(info.readUInt32LE(12)).toBe(0);
  });

  test("Xen tells it the memory map that start_info has", () => {
    const { xen } = run();
    const { domain } = xen;
    const startInfo = Number(Buffer.from(domain.context ?? []).readBigUInt64LE(40 + 520));
    const info = domain.read(startInfo, 56);
    const map = Number(info.readBigUInt64LE(40));
    const entries = Array.from({ length: info.readUInt32LE(48) }, (_, index) => {
      const entry = domain.read(map + index * 24, 24);
      return {
        addr: entry.readBigUInt64LE(0),
        size: entry.readBigUInt64LE(8),
        type: entry.readUInt32LE(16),
      };
    });
    expect(entries[0]).toEqual({ addr: 0n, size: 8n << 20n, type: 1 });
    expect(entries.length).toBe(3);
    expect(domain.e820).toEqual(entries);
  });

  test.each([
    ["", true],
    [", on a Xen without multicalls as well", false],
  ])("a soft reset is the whole recipe: pause, reset, ports anew, unpause%s", (_where, has) => {
    const { xen } = run((fake) => {
      fake.hasMulticall = has;
      fake.meanwhile.unshift(() => {
        fake.shutDown(SHUTDOWN_soft_reset);
      });
    });
    const after = numbers(xen).slice(numbers(xen).indexOf(DOMCTL.getdomaininfo));
    expect(after).toEqual([
      DOMCTL.getdomaininfo,
      DOMCTL.pausedomain,
      DOMCTL.soft_reset,
      DOMCTL.unpausedomain,
      DOMCTL.getdomaininfo,
      DOMCTL.destroydomain,
    ]);
    // HVM_PARAM_STORE_EVTCHN and HVM_PARAM_CONSOLE_EVTCHN: the second pair of ports.
    expect([xen.domain.params.get(2), xen.domain.params.get(18)]).toEqual([3n, 4n]);
    expect(xen.log.map(({ text }) => text)).toContain("domid=1 event=soft-reset result=0");
  });

  test.each([
    ["resume", DOMCTL.resumedomain, "event=resumed result=0"],
    ["destroy", DOMCTL.destroydomain, "event=unknown-reason reason=5"],
  ])("the control: on_soft_reset=%s does not reset", (way, cmd, said) => {
    const { xen } = run((fake) => {
      fake.commandLine += ` on_soft_reset=${way}`;
      fake.meanwhile.unshift(() => {
        fake.shutDown(SHUTDOWN_soft_reset);
      });
    });
    expect(numbers(xen)).toContain(cmd);
    expect(numbers(xen)).not.toContain(DOMCTL.soft_reset);
    expect(xen.log.map(({ text }) => text).join()).toContain(said);
  });

  test("a soft reset that Xen refuses ends the domain, and its errno is told", () => {
    const { xen } = run((fake) => {
      fake.refuse(DOMCTL.soft_reset, -12n);
      fake.meanwhile.unshift(() => {
        fake.shutDown(SHUTDOWN_soft_reset);
      });
    });
    expect(xen.log.map(({ text }) => text)).toEqual([
      "domid=1 event=created interface=21",
      "domid=1 event=soft-reset result=-12",
      "domid=1 event=ended reason=5",
    ]);
  });

  test("what Xen refuses is named, with its errno", () => {
    for (const [cmd, name] of [
      [DOMCTL.createdomain, "XEN_DOMCTL_createdomain"],
      [DOMCTL.max_vcpus, "XEN_DOMCTL_max_vcpus"],
      [DOMCTL.max_mem, "XEN_DOMCTL_max_mem"],
      [DOMCTL.set_paging_mempool_size, "XEN_DOMCTL_set_paging_mempool_size"],
      [DOMCTL.sethvmcontext, "XEN_DOMCTL_sethvmcontext"],
      [DOMCTL.unpausedomain, "XEN_DOMCTL_unpausedomain"],
      [DOMCTL.getdomaininfo, "XEN_DOMCTL_getdomaininfo"],
    ] as const)
      expect(
        refusal((fake) => {
          fake.refuse(cmd, -22n);
        }),
      ).toContain(`${name} = -EINVAL`);
  });
});

describe("interface versions", () => {
  test.each([
    // release, domctl, sysctl, offsets of grant_opts (0: none) and of emulation_flags, how the pool is set
    ["4.14", 0x12, 0x13, 0, 44, DOMCTL.shadow_op],
    ["4.15", 0x13, 0x13, 0, 48, DOMCTL.shadow_op],
    ["4.16", 0x14, 0x14, 44, 52, DOMCTL.shadow_op],
    ["4.17", 0x15, 0x15, 44, 56, DOMCTL.set_paging_mempool_size],
    ["4.18", 0x16, 0x15, 44, 56, DOMCTL.set_paging_mempool_size],
    ["4.20", 0x17, 0x15, 44, 60, DOMCTL.set_paging_mempool_size],
    ["4.21", 0x17, 0x16, 44, 60, DOMCTL.set_paging_mempool_size],
    ["4.22", 0x18, 0x16, 44, 60, DOMCTL.set_paging_mempool_size],
  ] as const)(
    "Xen %s is asked in its own layout",
    (_release, domctl, sysctl, grant, flags, pool) => {
      const { xen, reason } = run((fake) => {
        fake.domctlVersion = domctl;
        fake.sysctlVersion = sysctl;
      });
      expect(reason).toBe(SHUTDOWN_reboot);
      const u = callOf(xen, DOMCTL.createdomain)?.u;
      const words = Array.from(
        { length: 8 },
        (_, index) => u?.getUint32(40 + index * 4, true) ?? 0,
      );
      const expected = [1024, 0, 0, 0, 0, 0, 0, 0]; // max_maptrack_frames, and what comes behind it
      if (grant !== 0) expected[(grant - 40) / 4] = 1;
      expected[(flags - 40) / 4] = 1;
      expect(words).toEqual(expected);
      const pools = numbers(xen).filter((cmd) => cmd === 10 || cmd === 86);
      expect(pools).toEqual([pool]);
    },
  );

  test.each([
    ["a later domctl", 0x19, 0x16],
    ["a later sysctl", 0x18, 0x17],
    ["both from before 4.14", 0x11, 0x12],
    ["a pair that no release has", 0x12, 0x16],
  ])("%s is refused with both numbers, and with what is to be added", (_name, domctl, sysctl) => {
    const { xen, reason } = run((fake) => {
      fake.domctlVersion = domctl;
      fake.sysctlVersion = sysctl;
    });
    expect(reason).toBe(SHUTDOWN_crash);
    const said = xen.records.at(-1)?.text ?? "";
    expect(said).toContain(`domctl interface version is 0x${domctl.toString(16)} `);
    expect(said).toContain(`sysctl's 0x${sysctl.toString(16)},`);
    expect(said).toContain("4.14 (0x12, 0x13) to 4.22 (0x18, 0x16)");
    expect(said).toMatch(/interface\.ts needs a row .*emulation_flags.*grant_opts.*free_pages/);
    // Nothing was tried with a layout that may be wrong.
    expect(xen.domctls).toEqual([]);
  });
});

describe("memory", () => {
  test("in 2 MiB pieces where Xen has them, else page by page: the domain is the same", () => {
    const [whole, split] = [true, false].map((superpages) => {
      const { xen } = run((fake) => {
        fake.superpages = superpages;
      });
      return [...xen.domain.memory.keys()].sort((a, b) => Number(a - b));
    });
    expect(whole).toEqual(split);
    expect(whole?.length).toBe(2048 + 8 + 1);
    expect(whole?.slice(2047, 2050)).toEqual([2047n, 0xfc000n, 0xfeff8n]);
  });

  test.each([0, 511, 2047])("that ends after %i pages is told with the numbers", (pages) => {
    const said = refusal((fake) => {
      fake.freePages = pages;
    });
    expect(said).toContain("too little memory for a domain with RAM up to 0x800000");
    expect(said).toContain(`XENMEM_populate_physmap: ${String(pages)} of 2048 pages`);
  });

  test.each([2048, 2055, 2056])(
    "that ends after %i pages has none for the special ones",
    (pages) => {
      const said = refusal((fake) => {
        fake.freePages = pages;
      });
      expect(said).toContain("no memory for the domain's special pages");
    },
  );

  test("that the image and its modules do not fit into is told before anything is made", () => {
    const large = Buffer.from(
      buildElf(
        validImage({
          segments: [
            { permissions: "rwx", vaddr: 0x100000n, paddr: 0x100000n, data: new Uint8Array(64) },
            { permissions: "rw-", vaddr: 0x200000n, paddr: 0x200000n, memorySize: 0x600000 },
          ],
        }),
      ),
    );
    const said = refusal((fake) => {
      fake.module = large;
    });
    expect(said).toContain("take up the first 9 MiB of a domain that has 8: give it more");
    const { reason } = run((fake) => {
      fake.module = large;
      fake.commandLine = "nonce=t memory=9";
    });
    expect(reason).toBe(SHUTDOWN_reboot);
  });
});

describe("an image", () => {
  const [ehdr, phdr] = [64, 56];
  const headers = Number(image.readBigUInt64LE(32));

  test.each(Array.from({ length: ehdr + 1 }, (_, size) => size).filter((size) => size % 8 === 0))(
    "of its first %i bytes is no image",
    (size) => {
      const said = refusal((fake) => {
        fake.module = image.subarray(0, size);
      });
      expect(said).toContain("the guest's image cannot be loaded: ");
    },
  );

  test("that is cut off anywhere is refused, and nothing beyond its end is read", () => {
    const ends = new Set([headers, headers + phdr, headers + 2 * phdr, image.length - 1]);
    for (let i = 0; i < image.readUInt16LE(56); i++) {
      const at = headers + i * phdr;
      const offset = Number(image.readBigUInt64LE(at + 8));
      ends.add(offset).add(offset + Number(image.readBigUInt64LE(at + 32)) - 1);
    }
    // Behind the last segment there are symbols, which are not read, and the section headers, which Xen wants to be there.
    for (const end of ends)
      expect(
        refusal((fake) => {
          fake.module = image.subarray(0, end);
        }),
        `cut at ${String(end)}`,
      ).toContain("the guest's image cannot be loaded: ");
    const whole = run((fake) => {
      fake.module = image;
    });
    expect(whole.reason).toBe(SHUTDOWN_reboot);
  });

  test.each<[string, (bytes: Buffer) => unknown, string]>([
    ["another magic", (bytes) => bytes.writeUInt8(0x7e, 0), "e_ident's magic is 0x464c457e"],
    ["neither 32 nor 64 bits", (bytes) => bytes.writeUInt8(3, 4), "e_ident[EI_CLASS] is 0x3"],
    ["big-endian", (bytes) => bytes.writeUInt8(2, 5), "e_ident[EI_DATA] is 0x2"],
    ["an object file", (bytes) => bytes.writeUInt16LE(1, 16), "e_type is 0x1"],
    ["Arm's", (bytes) => bytes.writeUInt16LE(183, 18), "e_machine is 0xb7"],
    [
      "program headers beyond the end",
      (bytes) => bytes.writeBigUInt64LE(BigInt(bytes.length), 32),
      "e_phoff is ",
    ],
    [
      "program headers at the end of the address space",
      (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 8n, 32),
      "e_phoff is 0xfffffffffffffff8",
    ],
    ["no program header", (bytes) => bytes.writeUInt16LE(0, 56), "e_phnum is 0x0"],
    ["65535 program headers", (bytes) => bytes.writeUInt16LE(0xffff, 56), "e_phnum is 0xffff"],
    ["program headers of 8 bytes", (bytes) => bytes.writeUInt16LE(8, 54), "e_phentsize is 0x8"],
    [
      "a segment whose bytes end beyond 2^64",
      (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 1n, headers + 32),
      "p_offset of segment 0",
    ],
    [
      "a segment beyond the address space",
      (bytes) => bytes.writeBigUInt64LE(2n ** 64n - 16n, headers + 24),
      "p_paddr of segment 0 is 0xfffffffffffffff0",
    ],
  ])("with %s is refused by that field", (_name, damage, field) => {
    const bytes = Buffer.from(image);
    damage(bytes);
    expect(
      refusal((fake) => {
        fake.module = bytes;
      }),
    ).toContain(`cannot be loaded: ${field}`);
  });

  test.each([
    ["no note", []],
    ["somebody else's note", [{ ...pvhNote(TEXT_PHYS), owner: "Hex" }]],
    ["a note of another type", [{ ...pvhNote(TEXT_PHYS), type: 17 }]],
  ])("with %s is no PVH image", (_name, notes) => {
    expect(
      refusal((fake) => {
        fake.module = Buffer.from(buildElf(validImage({ notes })));
      }),
    ).toContain("the note XEN_ELFNOTE_PHYS32_ENTRY is 0x0: expected one of type 18");
  });

  test("whose entry is nowhere is refused", () => {
    expect(
      refusal((fake) => {
        fake.module = Buffer.from(buildElf(validImage({ notes: [pvhNote(0x700000)] })));
      }),
    ).toContain("the entry of XEN_ELFNOTE_PHYS32_ENTRY is 0x700000");
  });

  test("that is not there is told", () => {
    expect(
      refusal((fake) => {
        fake.module = null;
      }),
    ).toContain("the toolstack was given no image");
  });

  test("of 32 bits is as good as one of 64", () => {
    const { xen, reason } = run((fake) => {
      fake.module = Buffer.from(buildElf(validImage({ class: 32, machine: 3 })));
    });
    expect(reason).toBe(SHUTDOWN_reboot);
    expect(xen.domain.read(TEXT_PHYS, 4)).toEqual(Buffer.alloc(4, 0x90));
  });
});

describe("a job with image and modules", () => {
  const contents = [Buffer.from("the first module\n"), Buffer.alloc(5000, 0x5a), Buffer.alloc(0)];

  test("comes out as it went in", () => {
    const { xen, reason } = run((fake) => {
      fake.modules = contents;
    });
    expect(reason).toBe(SHUTDOWN_reboot);
    const { domain } = xen;
    const state = Buffer.from(domain.context ?? []);
    const info = domain.read(Number(state.readBigUInt64LE(40 + 520)), 56);
    expect(info.readUInt32LE(12)).toBe(3);
    const list = Number(info.readBigUInt64LE(16));
    const found = contents.map((_, index) => {
      const entry = domain.read(list + index * 32, 32);
      return domain.read(Number(entry.readBigUInt64LE(0)), Number(entry.readBigUInt64LE(8)));
    });
    expect(found).toEqual(contents);
  });

  test.each<[string, (job: Buffer) => Buffer, string]>([
    ["more files than there may be", (job) => (job.writeUInt32LE(10, 12), job), "damaged"],
    ["a count beyond all", (job) => (job.writeUInt32LE(2 ** 32 - 1, 12), job), "damaged"],
    ["more words than have room", (job) => (job.writeUInt32LE(3841, 8), job), "damaged"],
    ["its first page only", (job) => job.subarray(0, 4096), "cut off"],
    ["its last file cut off", (job) => job.subarray(0, job.length - 8192), "cut off"],
    ["an offset beyond its end", (job) => (job.writeBigUInt64LE(2n ** 40n, 64), job), "cut off"],
    ["a size that wraps", (job) => (job.writeBigUInt64LE(2n ** 64n - 1n, 72), job), "cut off"],
  ])("with %s is refused", (_name, damage, word) => {
    expect(
      refusal((fake) => {
        fake.modules = contents;
        fake.damage = damage;
      }),
    ).toContain(`the toolstack's job is ${word}`);
  });
});

describe("the command line", () => {
  test.each([
    ["an option that there is not", "vcpu=1", 'no option "vcpu": expected memory=, vcpus='],
    ["a word that is no option", "verbose", 'no option "verbose"'],
    ["no number", "memory=", "memory=: expected a whole number of 8 to"],
    ["a number with a unit", "memory=64M", "memory=64M: expected"],
    ["a negative number", "vcpus=-1", "vcpus=-1: expected a whole number of 1 to 64"],
    ["too few", "vcpus=0", "vcpus=0: expected"],
    ["too many", "vcpus=65", "vcpus=65: expected"],
    ["too little", "memory=7", "memory=7: expected"],
    ["more digits than a number has", "memory=99999999999", "memory=99999999999: expected"],
    ["a way that there is not", "on_soft_reset=restart", "expected soft-reset, resume or destroy"],
  ])("with %s is refused", (_name, word, message) => {
    const { xen, reason } = run((fake) => {
      fake.commandLine = `nonce=t ${word} -- anything=goes here`;
    });
    expect(reason).toBe(SHUTDOWN_crash);
    expect(xen.records.at(-1)?.text).toContain(message);
    expect(xen.domains.size).toBe(0);
  });

  test("for the domain is the domain's: the toolstack does not look at it", () => {
    const { xen, reason } = run((fake) => {
      fake.commandLine = "nonce=t memory=8 -- memory=1 -- vcpu=x";
    });
    expect(reason).toBe(SHUTDOWN_reboot);
    const { domain } = xen;
    const state = Buffer.from(domain.context ?? []);
    const info = domain.read(Number(state.readBigUInt64LE(40 + 520)), 56);
    const text = domain.read(Number(info.readBigUInt64LE(24)), 64).toString("latin1");
    expect(text.split("\0")[0]).toBe("memory=1 -- vcpu=x");
  });

  test("of 2047 bytes is handed on whole, of 2048 is refused", () => {
    const words = (size: number) => (fake: FakeDom0) => {
      fake.commandLine = `nonce=t memory=8 -- ${"x".repeat(size)}`;
    };
    expect(run(words(2047)).reason).toBe(SHUTDOWN_reboot);
    expect(refusal(words(2048))).toContain("command line has 2047 bytes at most");
  });
});
