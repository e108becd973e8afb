// What kexec.load() takes, and what it refuses: images that are whole, and images wrong in one way each.
// Why: behind the soft reset there is no way back, so everything that can be wrong with an image has to be found while
// there is still a kernel to say so. Fails if a bad image is taken, if a refusal does not name the field and the value,
// if RAM is lost on the way, or if the copies would overwrite something before it was read.

import { beforeAll, describe, expect, test } from "vitest";

import {
  buildElf,
  encodeNotes,
  pvhNote,
  u64,
  validImage,
  type ImageSpec,
  type SegmentSpec,
} from "../fixtures/elf-builder.js";
import { LOADER_CASES } from "../fixtures/loader-cases.js";
import { random } from "../fixtures/random.js";
import { ElfError, parseElf, validatePvhImage } from "../../src/host/elf/index.js";
import { encodeRunBlock } from "../../src/host/elf/run-block.js";
import { FakeMachine, type Placed } from "./fake-machine.js";
import { prepareGuest, type LoadedGuest } from "./load.js";

const MIB = 1 << 20;
/** Where the tests put the image: at the top of RAM, where boot code keeps modules. */
const IMAGE_AT = 31 * MIB;
const MODULE_AT = 30 * MIB;

let start: (xen: FakeMachine) => LoadedGuest;
let xen: FakeMachine;
let guest: LoadedGuest;
let spareBefore: number;

beforeAll(async () => {
  const prepared = await prepareGuest("test/runtime/guest/kexec.ts");
  start = (machine) => prepared(machine);
});

function boot(image: Uint8Array, at = IMAGE_AT): void {
  xen = new FakeMachine();
  xen.spareEnd = MODULE_AT;
  spareBefore = xen.spareEnd;
  xen.addModule(image, at);
  xen.addModule(Buffer.from("a module of 25 bytes, no."), MODULE_AT);
  guest = start(xen);
  xen.records.length = 0;
}

/** What load() says. */
function load(name = "load", ...args: (number | bigint)[]): string {
  guest.call[name]?.(...(args.length === 0 ? [0, 2, 0] : args));
  const said = xen.records.at(-1)?.text ?? "";
  xen.records.length = 0;
  return said;
}

function onlyPlaced(): [page: number, placed: Placed] {
  const entries = [...xen.placed];
  const [entry] = entries;
  if (entries.length !== 1 || entry === undefined)
    throw new Error(`${String(entries.length)} pages`);
  return entry;
}

/** The valid image with one segment changed. */
function withSegment(
  index: number,
  changes: Partial<SegmentSpec>,
  overrides: Partial<ImageSpec> = {},
) {
  const spec = validImage();
  const segments = (spec.segments ?? []).map((segment, i) =>
    i === index ? { ...segment, ...changes } : segment,
  );
  return buildElf({ ...spec, segments, ...overrides });
}

/** The valid image's bytes with some of them changed. */
function patched(at: number, ...bytes: number[]): Uint8Array {
  const image = buildElf(validImage());
  image.set(bytes, at);
  return image;
}

describe("an image that is whole", () => {
  test.each([32, 64] as const)(
    "%i bit: its segments go where it says, zeroes behind them",
    (bits) => {
      const spec = validImage({ class: bits });
      const image = buildElf(spec);
      boot(image);
      expect(load()).toBe("");
      const [page, placed] = onlyPlaced();
      expect(placed.entry).toBe(0x100000);
      xen.ram.fill(0xee, 0x100000, 0x104000);
      const after = xen.afterJump(page);
      for (const segment of spec.segments ?? []) {
        const at = Number(segment.paddr);
        const data = segment.data ?? new Uint8Array();
        expect(after.subarray(at, at + data.length).equals(data), `at ${String(at)}`).toBe(true);
        const zeroes = after.subarray(at + data.length, at + (segment.memorySize ?? data.length));
        expect(zeroes.every((byte) => byte === 0)).toBe(true);
      }
      expect(after[0x103000]).toBe(0xee);
    },
  );

  describe("with a place for a run block", () => {
    const BLOCK_AT = 0x140000;
    const note = Buffer.alloc(16);
    note.writeBigUInt64LE(BigInt(BLOCK_AT));
    note.writeUInt32LE(0x11000, 8);

    /** The valid image with its notes in the read-only segment, as ld puts them there. */
    function withRunNote(description: Uint8Array): Uint8Array {
      const data = encodeNotes([pvhNote(0x100000), { owner: "xenlet", type: 2, description }]);
      const [text, rodata, ...rest] = validImage().segments ?? [];
      const loaded = [text ?? {}, { ...rodata, data }, ...rest];
      const image = (offset: number): Uint8Array =>
        buildElf(
          validImage({
            notes: [],
            segments: [...loaded, { type: 4, permissions: "r--", offset, data }],
          }),
        );
      return image(parseElf(image(0)).segments[1]?.offset ?? 0);
    }
    const image = withRunNote(note);

    /** What the next kernel finds there. */
    function handedOn(): { block: Buffer; used: number; line: string } {
      const [page, { startInfo }] = onlyPlaced();
      const after = Buffer.from(xen.afterJump(page));
      const at = after.indexOf(Buffer.concat([Buffer.from("xenlet\0\0"), note.subarray(0, 12)]));
      const block = after.subarray(BLOCK_AT, BLOCK_AT + after.readUInt32LE(BLOCK_AT + 8));
      const info = xen.physical(startInfo, 4096);
      const line = Number(info.readBigUInt64LE(24)) - startInfo;
      return {
        block,
        used: after.readUInt32LE(at + 20),
        line: info.toString("latin1", line, info.indexOf(0, line)),
      };
    }
    const text = (block: Buffer, at: number): string =>
      block.toString("latin1", at, block.indexOf(0, at));

    test("it hands on arguments, environment and records there, with random bytes of its own, and the command line as it is", () => {
      boot(image);
      xen.commandLine = "the user's";
      const random = Buffer.alloc(32, 1);
      xen.runBlock = encodeRunBlock({
        nonce: "abc",
        way: "domu",
        name: "x.ts",
        arguments: ["a b", "c"],
        variables: ["A=1"],
        random,
      });
      expect(load("load", 0, 1, 3)).toBe("");
      const { block, used, line } = handedOn();
      expect(line).toBe("hello xxx");
      expect(used).toBe(block.length);
      expect(text(block, 16)).toBe("abc");
      expect(text(block, 40)).toBe("domu");
      expect(block.readUInt32LE(12)).toBe(1 | 4 | 32);
      expect(block.subarray(48, 80).equals(random)).toBe(false);
      expect(block.toString("latin1", 144)).toBe("x.ts\0a b\0c\0A=1\0");
      expect(block.readUInt32LE(92)).toBe(3);
      expect(block.readUInt32LE(96)).toBe(1);
    });

    test("nothing that it was given itself is needed: then there are random bytes, and the nonce of its command line", () => {
      boot(image);
      xen.commandLine = "nonce=abc on=domu mine=1";
      expect(load()).toBe("");
      const { block } = handedOn();
      expect(text(block, 16)).toBe("abc");
      expect(block.length).toBe(144);
      expect(block.readUInt32LE(92)).toBe(0);
      expect(block.subarray(48, 80).some((byte) => byte !== 0)).toBe(true);
    });

    test("that is not free, or too small for what is handed on, is refused", () => {
      const within = Buffer.from(note);
      within.writeBigUInt64LE(0x101008n);
      boot(withRunNote(within));
      expect(load()).toMatch(/^the run block.s address is 0x101008: segment 2 .*overlaps/);
      const small = Buffer.from(note);
      small.writeUInt32LE(143, 8);
      boot(withRunNote(small));
      expect(load()).toBe("the run block's size is 0x90: the image has room for 143");
      expect(xen.spareEnd).toBe(spareBefore);
    });
  });

  test("start_info, version 1, has the command line, the modules, the memory map and the RSDP", () => {
    boot(buildElf(validImage()));
    xen.commandLine = "nonce=abc on=domu mine=1";
    expect(load("load", 0, 1, 3)).toBe("");
    const [, { startInfo }] = onlyPlaced();
    const info = xen.physical(startInfo, 4096);
    expect(info.readUInt32LE(0)).toBe(0x336ec578);
    expect(info.readUInt32LE(4)).toBe(1);
    expect(info.readBigUInt64LE(32)).toBe(xen.rsdp);
    expect(info.readUInt32LE(12)).toBe(1);
    const modules = Number(info.readBigUInt64LE(16)) - startInfo;
    expect(Number(info.readBigUInt64LE(modules))).toBe(MODULE_AT);
    expect(Number(info.readBigUInt64LE(modules + 8))).toBe(25);
    const line = Number(info.readBigUInt64LE(24)) - startInfo;
    const text = info.toString("latin1", line, info.indexOf(0, line));
    expect(text).toBe("nonce=abc on=domu seq=0000000000 hello xxx");
    const map = Number(info.readBigUInt64LE(40)) - startInfo;
    expect(info.readUInt32LE(48)).toBe(xen.map.length);
    for (const [i, entry] of xen.map.entries()) {
      expect(info.readBigUInt64LE(map + i * 24)).toBe(BigInt(entry.addr));
      expect(info.readBigUInt64LE(map + i * 24 + 8)).toBe(BigInt(entry.size));
      expect(info.readUInt32LE(map + i * 24 + 16)).toBe(entry.type);
    }
  });

  test("memory that the next kernel alone is told of comes first", () => {
    boot(buildElf(validImage()));
    expect(load("loadMoreMemory", 0)).toBe("");
    const [, { startInfo }] = onlyPlaced();
    const info = xen.physical(startInfo, 4096);
    const map = Number(info.readBigUInt64LE(40)) - startInfo;
    expect(info.readUInt32LE(48)).toBe(xen.map.length + 1);
    expect(info.readBigUInt64LE(map)).toBe(1n << 30n);
    expect(info.readBigUInt64LE(map + 8)).toBe(1n << 20n);
    expect(info.readUInt32LE(map + 16)).toBe(1);
    expect(info.readBigUInt64LE(map + 24)).toBe(BigInt(xen.map[0]?.addr ?? -1));
  });

  test("the digits of seq= are where the jump writes them", () => {
    boot(buildElf(validImage()));
    expect(load()).toBe("");
    expect(() => guest.call["exec"]?.(1)).toThrow(
      expect.objectContaining({ sequenceDigits: expect.any(Number) as number }) as Error,
    );
    try {
      guest.call["exec"]?.(1);
    } catch (jump) {
      const { sequenceDigits } = jump as { sequenceDigits: number };
      expect(xen.physical(sequenceDigits - 4, 20).toString()).toBe("seq=0000000000 hello");
    }
  });

  test("a kernel that writes no records gets its own command line alone", () => {
    boot(buildElf(validImage()));
    expect(load("loadCmdline", 0, 0)).toBe("");
    const [, { startInfo }] = onlyPlaced();
    const info = xen.physical(startInfo, 4096);
    const line = Number(info.readBigUInt64LE(24)) - startInfo;
    expect(info.toString("latin1", line, info.indexOf(0, line))).toBe("hello");
  });

  test("loaded again and again, it takes the same RAM; unloaded, none", () => {
    boot(buildElf(validImage()));
    expect(load()).toBe("");
    const taken = xen.spareEnd;
    for (let i = 0; i < 10; i++) load();
    expect(xen.spareEnd).toBe(taken);
    guest.call["unload"]?.();
    expect(xen.spareEnd).toBe(spareBefore);
  });

  test("of two entry notes Xen takes the last, and one may have 8 bytes", () => {
    const note = { owner: "Xen", type: 18, description: u64(0x100010n) };
    boot(buildElf(validImage({ notes: [pvhNote(0x100000), note] })));
    expect(load()).toBe("");
    expect(onlyPlaced()[1].entry).toBe(0x100010);
  });
});

describe("overlaps", () => {
  /** Segments of bytes that tell where they came from. */
  const spread = (paddr: number, size: number): SegmentSpec => ({
    paddr: BigInt(paddr),
    data: Uint8Array.from({ length: size }, (_, i) => (paddr / 4096 + i * 7) % 251),
  });

  test.each([
    [
      "a segment goes over the file's bytes of the next one",
      0x100000 - 0x1000,
      [0x100000, 0x101000],
    ],
    ["the same, the higher segment first", 0x100000, [0x101000, 0x100000]],
    ["the file lies across both segments' places", 0x100ff0, [0x100000, 0x101000]],
  ] as const)("%s: it is read before it is overwritten", (_, at, places) => {
    const segments = places.map((paddr) => spread(paddr, 0x1000));
    boot(buildElf(validImage({ segments })), at);
    xen.map[0] = { addr: 0, size: 32 * MIB, type: 1 };
    xen.map.splice(1, 2);
    expect(load()).toBe("");
    const [page] = onlyPlaced();
    const after = xen.afterJump(page);
    for (const { paddr, data = new Uint8Array() } of segments) {
      const at = Number(paddr);
      expect(after.subarray(at, at + data.length).equals(data)).toBe(true);
    }
  });

  test("an image in linear memory, which the next kernel's segments cover", () => {
    const spec = validImage({
      segments: [spread(0x100000, 0x1000), { ...spread(2 * MIB, 0x8000), memorySize: 4 * MIB }],
    });
    boot(buildElf(spec));
    expect(load("loadFromMemory", 0)).toBe("");
    const [page] = onlyPlaced();
    const after = xen.afterJump(page);
    for (const segment of spec.segments ?? []) {
      const at = Number(segment.paddr);
      const data = segment.data ?? new Uint8Array();
      expect(after.subarray(at, at + data.length).equals(data)).toBe(true);
    }
  });

  test("a module in a segment's way is moved; the page and start_info are clear of every segment", () => {
    boot(withSegment(2, { paddr: BigInt(MODULE_AT - MIB), memorySize: MIB + 4096 }));
    expect(load("load", 0, 1, 0)).toBe("");
    const [page, { startInfo }] = onlyPlaced();
    const begin = MODULE_AT - MIB;
    for (const at of [page, startInfo])
      expect(at <= begin - 4096 || at >= begin + MIB + 4096).toBe(true);
    const info = xen.physical(startInfo, 4096);
    const module = Number(info.readBigUInt64LE(Number(info.readBigUInt64LE(16)) - startInfo));
    expect(module + 25 <= begin || module >= begin + MIB + 4096).toBe(true);
    expect(xen.afterJump(page).toString("latin1", module, module + 25)).toBe(
      "a module of 25 bytes, no.",
    );
  });
});

describe("the answer is the host's, and Xen's", () => {
  test.each(LOADER_CASES)("$name", ({ image, entry }) => {
    boot(image());
    const said = load();
    if (entry === null) expect(said).toMatch(/^.+ is 0x[0-9a-f]+: ./);
    else {
      expect(said).toBe("");
      expect(onlyPlaced()[1].entry).toBe(0x100000 + entry);
    }
  });

  // Seeded: a few thousand images with some bytes wrong, mostly where there is something to break.
  test("for damaged images as well", () => {
    boot(buildElf(validImage()));
    const bases = LOADER_CASES.filter(({ entry }) => entry !== null).map(({ image }) => image());
    let taken = 0;
    for (let seed = 0; seed < 3000; seed++) {
      const next = random(seed);
      const image = Uint8Array.from(bases[next(bases.length)] ?? []);
      const note = Buffer.from(image).indexOf("Xen\0") - 16;
      for (let changes = 1 + next(4); changes > 0; changes--) {
        const at = [next(64), 64 + next(120), note + next(40), next(image.length)][next(4)] ?? 0;
        image[at] = [next(256), 0, 1, 4, 7, 8, 18, 0xff][next(8)] ?? 0;
      }
      const host = answerOf(image);
      xen.ram.fill(0, IMAGE_AT, IMAGE_AT + 8192);
      xen.ram.set(image, IMAGE_AT);
      const guest = load("answer", BigInt(IMAGE_AT), BigInt(image.length));
      expect(guest === "refused" ? null : Number(guest), `seed ${String(seed)}`).toBe(host);
      if (host !== null) taken++;
    }
    // The test itself: both answers come.
    expect(taken).toBeGreaterThan(300);
    expect(taken).toBeLessThan(2700);
  });

  /** The entry, or null. */
  function answerOf(image: Uint8Array): number | null {
    try {
      return validatePvhImage(parseElf(image)).entry;
    } catch (error) {
      if (error instanceof ElfError) return null;
      throw error;
    }
  }
});

describe("a segment over another", () => {
  test("in the file's order, the later one's bytes and zeroes stay", () => {
    boot(withSegment(1, { paddr: 0x102800n, memorySize: 64 }));
    expect(load()).toBe("");
    const [page] = onlyPlaced();
    const hidden = xen.afterJump(page);
    expect(hidden.subarray(0x102800, 0x102840).every((byte) => byte === 0)).toBe(true);
    const [first, second, third] = validImage().segments ?? [];
    const segments = [first, third, { ...second, paddr: 0x102800n, memorySize: 64 }];
    boot(buildElf(validImage({ segments: segments.map((one) => one ?? {}) })));
    expect(load()).toBe("");
    const [other] = onlyPlaced();
    const shown = xen.afterJump(other);
    expect(shown.subarray(0x102800, 0x102820).equals(Buffer.alloc(32, 1))).toBe(true);
    expect(shown[0x102000]).toBe(2);
  });
});

describe("refused, by field and value", () => {
  const NOTE = "the note XEN_ELFNOTE_PHYS32_ENTRY is 0x0: ";

  test.each<[name: string, image: () => Uint8Array, message: string]>([
    ["nothing", () => new Uint8Array(0), "the file's size is 0x0: "],
    ["51 bytes", () => buildElf(validImage()).slice(0, 51), "the file's size is 0x33: "],
    [
      "a 64-bit header cut off",
      () => buildElf(validImage()).slice(0, 60),
      "the file's size is 0x3c: ",
    ],
    ["no ELF", () => patched(0, 0x4d, 0x5a), "e_ident's magic is 0x464c5a4d: expected 0x464c457f"],
    ["class 3", () => patched(4, 3), "e_ident[EI_CLASS] is 0x3: "],
    ["big endian", () => patched(5, 2), "e_ident[EI_DATA] is 0x2: "],
    ["an object file", () => buildElf(validImage({ type: 1 })), "e_type is 0x1: "],
    [
      "ARM",
      () => buildElf(validImage({ machine: 40 })),
      "e_machine is 0x28: expected 0x3 (i386) or 0x3e (x86-64)",
    ],
    ["small program headers", () => patched(54, 32, 0), "e_phentsize is 0x20: "],
    ["no program headers", () => patched(56, 0, 0), "e_phnum is 0x0: "],
    ["65535 program headers", () => patched(56, 0xff, 0xff), "e_phnum is 0xffff: "],
    [
      "headers beyond the end",
      () => patched(32, 0xff, 0xff, 0xff, 0xff),
      "e_phoff is 0xffffffff: ",
    ],
    [
      "headers beyond 2^64",
      () => patched(32, ...new Array<number>(8).fill(0xff)),
      "e_phoff is 0xffffffffffffffff: ",
    ],
    [
      "a segment's bytes beyond the end",
      () => withSegment(1, { fileSize: 0x100000, memorySize: 0x100000 }),
      "p_offset of segment 1 is ",
    ],
    [
      "an offset beyond 2^64",
      () => withSegment(1, { offset: -1 }),
      "p_offset of segment 1 is 0xffffffffffffffff: ",
    ],
    [
      "more in the file than in memory",
      () => withSegment(0, { memorySize: 8 }),
      "p_filesz of segment 0 is 0x40: it is more than its p_memsz of 0x8",
    ],
    [
      "beyond 4 GiB",
      () => withSegment(2, { paddr: 0x100000000n }),
      "p_paddr of segment 2 is 0x100000000: ",
    ],
    [
      "across 4 GiB",
      () => withSegment(2, { paddr: 0xfffff800n }),
      "p_paddr of segment 2 is 0xfffff800: ",
    ],
    [
      "beyond 2^64",
      () => withSegment(2, { paddr: 0xfffffffffffff800n }),
      "p_paddr of segment 2 is 0xfffffffffffff800: ",
    ],
    [
      "4 GiB of zeroes",
      () => withSegment(2, { memorySize: 0xffffffff }),
      "p_paddr of segment 2 is 0x102000: ",
    ],
    [
      "beyond RAM",
      () => withSegment(2, { paddr: BigInt(32 * MIB) }),
      "p_paddr of segment 2 is 0x2000000: there is not RAM for all of 0x2000000..0x2001000",
    ],
    [
      "across RAM's end",
      () => withSegment(2, { paddr: BigInt(32 * MIB - 16) }),
      "p_paddr of segment 2 is 0x1fffff0: ",
    ],
    [
      "over a hole",
      () => withSegment(2, { paddr: 0x9f800n }),
      "p_paddr of segment 2 is 0x9f800: there is not RAM for all of 0x9f800..0xa0800",
    ],
    [
      "over ACPI's tables",
      () => withSegment(2, { paddr: 0xfc000000n }),
      "p_paddr of segment 2 is 0xfc000000: ",
    ],
    [
      "nothing to load",
      () => buildElf(validImage({ segments: [] })),
      "the number of PT_LOAD segments is 0x0: ",
    ],
    ["no note", () => buildElf(validImage({ notes: [] })), NOTE],
    [
      "another owner's",
      () => buildElf(validImage({ notes: [{ ...pvhNote(0x100000), owner: "GNU" }] })),
      NOTE,
    ],
    [
      "another type",
      () => buildElf(validImage({ notes: [{ ...pvhNote(0x100000), type: 17 }] })),
      NOTE,
    ],
    [
      "an entry of 2 bytes",
      () =>
        buildElf(
          validImage({ notes: [{ owner: "Xen", type: 18, description: Uint8Array.of(0, 1) }] }),
        ),
      "the entry of XEN_ELFNOTE_PHYS32_ENTRY is 0x100: ",
    ],
    [
      "an entry in no segment",
      () => buildElf(validImage({ notes: [pvhNote(0x200000)] })),
      "the entry of XEN_ELFNOTE_PHYS32_ENTRY is 0x200000: ",
    ],
    [
      "an entry just behind the code",
      () => buildElf(validImage({ notes: [pvhNote(0x100040)] })),
      "the entry of XEN_ELFNOTE_PHYS32_ENTRY is 0x100040: ",
    ],
    [
      "an entry in the zeroes",
      () => buildElf(validImage({ notes: [pvhNote(0x102800)] })),
      "the entry of XEN_ELFNOTE_PHYS32_ENTRY is 0x102800: ",
    ],
    [
      "more than there is room for beside it",
      () => withSegment(2, { paddr: BigInt(2 * MIB + 4096), memorySize: 28 * MIB - 4096 }),
      "the size of ",
    ],
  ])("%s", (_, image, message) => {
    boot(image());
    expect(load().slice(0, message.length)).toBe(message);
    expect(xen.placed.size).toBe(0);
    expect(xen.spareEnd).toBe(spareBefore);
    expect(guest.call["prepare"]?.()).toBe(-2n);
  });

  test("no room for all of it, though for some: what was taken goes back", () => {
    boot(buildElf(validImage()));
    const begin = 2 * MIB + xen.memory.buffer.byteLength + 4096;
    boot(withSegment(2, { paddr: BigInt(begin), memorySize: MODULE_AT - begin }));
    expect(load()).toMatch(/^the size of start_info is 0x[0-9a-f]+: there is no spare RAM for it/);
    expect(xen.spareEnd).toBe(spareBefore);
  });

  test("a note that claims to be larger than its segment ends the search", () => {
    const note = { owner: "Xen", type: 7, description: new Uint8Array(4) };
    const image = buildElf(validImage({ notes: [note, pvhNote(0x100000)] }));
    const at = Buffer.from(image).indexOf(Buffer.from("Xen\0")) - 12;
    new DataView(image.buffer).setUint32(at + 4, 0xfffffffd, true);
    boot(image);
    expect(load()).toContain("the note XEN_ELFNOTE_PHYS32_ENTRY is 0x0");
  });

  test("an image that is not all in RAM", () => {
    boot(buildElf(validImage()));
    expect(load("loadAt", BigInt(32 * MIB - 10), 100n)).toMatch(
      /^the image's address is 0x1fffff6: /,
    );
  });

  test("a command line that is too long, or has a NUL", () => {
    boot(buildElf(validImage()));
    expect(load("load", 0, 2, 2042)).toMatch(/^the command line's length is 0x800: at most 2047/);
    expect(load("load", 0, 2, 2041)).toBe("");
    const [{ paddr, size }] = xen.modules as [{ paddr: number; size: number }];
    expect(load("loadAt", BigInt(paddr), BigInt(size))).toMatch(/^the command line's NUL is 0x1: /);
  });

  test("a refusal takes what was loaded before with it", () => {
    boot(buildElf(validImage()));
    expect(load()).toBe("");
    expect(load("load", 0, 2, 3000)).not.toBe("");
    expect(guest.call["prepare"]?.()).toBe(-2n);
  });

  test("without a reset, a segment over shared_info's frame", () => {
    boot(withSegment(2, { memorySize: 26 * MIB, paddr: BigInt(3 * MIB) }));
    xen.sharedInfoFrame = BigInt((4 * MIB) / 4096);
    expect(load()).toBe("");
    expect(guest.call["exec"]?.(0)).toBe(-16n);
    guest.call["why"]?.();
    expect(xen.records.at(-1)?.text).toMatch(
      /^loaded image: -EBUSY \(segment 2 .* is over the frame of shared_info/,
    );
    expect(() => guest.call["exec"]?.(1)).toThrow("the guest jumped");
  });
});

describe("a kernel in reserve", () => {
  test("what it runs in is kept, and everything else is out of its way", () => {
    boot(buildElf(validImage()));
    xen.ram.fill(0x11, 0, MIB);
    xen.ram.fill(0x22, 6 * MIB, 8 * MIB);
    expect(load("onCrash", 0, 8)).toBe("");
    const [page, { copies, startInfo }] = onlyPlaced();
    expect(page).toBeGreaterThanOrEqual(8 * MIB);
    const [low, high] = copies as [Placed["copies"][0], Placed["copies"][0]];
    expect([low.from, low.bytes, high.from, high.bytes]).toEqual([0, 0xa0000, MIB, 7 * MIB]);
    const before = Buffer.from(xen.ram);
    const after = xen.afterJump(page);
    expect(after.subarray(low.to, low.to + low.bytes).equals(before.subarray(0, 0xa0000))).toBe(
      true,
    );
    expect(after[high.to + 6 * MIB]).toBe(0x22);
    for (const { from } of copies.slice(2)) expect(from).toBeGreaterThanOrEqual(8 * MIB);
    const info = xen.physical(startInfo, 4096);
    const map = Number(info.readBigUInt64LE(40)) - startInfo;
    const entries = Array.from({ length: info.readUInt32LE(48) }, (_, i) => ({
      addr: Number(info.readBigUInt64LE(map + i * 24)),
      size: Number(info.readBigUInt64LE(map + i * 24 + 8)),
      type: info.readUInt32LE(map + i * 24 + 16),
    }));
    expect(entries).toContainEqual({ addr: MIB, size: 7 * MIB, type: 1 });
    expect(entries).toContainEqual({ addr: 8 * MIB, size: 24 * MIB, type: 2 });
    const line = Number(info.readBigUInt64LE(24)) - startInfo;
    expect(info.toString("latin1", line, info.indexOf(0, line))).toMatch(
      /^nonce=test on=domu crash=0x[0-9a-f]+ seq=/,
    );
  });

  test("one that needs more than it gets is refused", () => {
    boot(withSegment(2, { paddr: BigInt(9 * MIB) }));
    expect(load("onCrash", 0, 8)).toMatch(
      /^p_paddr of segment 2 is 0x900000: it ends at 0x901000, beyond the 0x800000 bytes/,
    );
    expect(xen.spareEnd).toBe(spareBefore);
  });
});
