// Jumps into other kernels, on a real Xen: itself over and over, a bigger and a smaller image, one that overlaps
// everything, and a 32-bit one; each with the soft reset, and with the reset left out, to see that it takes one.
// Why: the sentence of the Linux commit is that the next kernel starts over as if newly created, and no fake can show
// that. Fails if a kernel does not arrive, if it finds anything of the last one's, if a page of memory is lost, or if
// it would have found nothing without the reset either.

import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";

import { boot, build, expectSuccess, payloads, printed, scratch } from "./setup.js";
import { buildKernel32 } from "./kernels.js";

const TIMEOUT = { timeoutMs: 60_000 };

let image: string;

beforeAll(async () => {
  image = await build("test/boot/guest/kexec.ts");
});

/** What a generation says of a domain that is as new, in memory of `pages`. */
const asNew = (generation: number, pages: number) =>
  `generation ${String(generation)}: vcpu_info 0, VIRQ_TIMER 3, next port 4, pages ${String(pages)}`;

const pagesOf = (line: string | undefined) => Number(/pages (\d+)$/.exec(line ?? "")?.[1]);

describe("into itself", () => {
  test("four generations, each as the first found it; the records are one sequence", async () => {
    const result = await boot(image, {
      on: "domu",
      modules: [image],
      cmdline: "last=3",
      ...TIMEOUT,
    });
    expectSuccess(result);
    const pages = pagesOf(printed(result)[0]);
    expect(pages).toBeGreaterThan(32_000);
    expect(printed(result)).toEqual([0, 1, 2, 3].map((generation) => asNew(generation, pages)));
    // The first kernel says that it runs by what it prints.
    expect(payloads(result, "boot").filter((stage) => stage === "stage=runtime")).toHaveLength(3);
    const resets = result.toolstackRecords.filter(({ payload }) =>
      payload.includes("event=soft-reset"),
    );
    expect(resets.map(({ payload }) => payload)).toEqual(
      Array.from({ length: 3 }, () => "domid=1 event=soft-reset result=0"),
    );
  });

  test("its control: with the reset left out, nothing can be had a second time", async () => {
    const result = await boot(image, {
      on: "domu",
      modules: [image],
      cmdline: "last=2 reset=no",
      ...TIMEOUT,
    });
    expectSuccess(result);
    const [, ...next] = printed(result);
    expect(next.map((line) => line.replace(/, pages .*/, ""))).toEqual([
      "generation 1: vcpu_info -EINVAL, VIRQ_TIMER -EEXIST, next port 5",
      "generation 2: vcpu_info -EINVAL, VIRQ_TIMER -EEXIST, next port 6",
    ]);
  });

  test("as does a toolstack that lets the domain go on without having reset it", async () => {
    const result = await boot(image, {
      on: "domu",
      onSoftReset: "resume",
      modules: [image],
      cmdline: "last=1",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result)[1]).toMatch(/^generation 1: vcpu_info -EINVAL, VIRQ_TIMER -EEXIST, /);
  });

  test("a toolstack that does not know the reason ends the domain, and the jump is not made", async () => {
    const result = await boot(image, {
      on: "domu",
      onSoftReset: "destroy",
      modules: [image],
      cmdline: "last=1",
      ...TIMEOUT,
    });
    expect(result.verdict).toBe("crash");
    expect(result.ended).toMatchObject({ reason: 5 });
    expect(printed(result)).toHaveLength(1);
  });

  test("as dom0, which nobody can reset: the jump alone", async () => {
    const result = await boot(image, {
      on: "dom0",
      modules: [image],
      cmdline: "last=1 reset=no",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result)[1]).toMatch(/^generation 1: vcpu_info -EINVAL, VIRQ_TIMER -EEXIST, /);
  });

  test("the other vCPUs start anew in each generation, in both of Xen's ways", async () => {
    const result = await boot(image, {
      on: "domu",
      vcpus: 3,
      modules: [image],
      cmdline: "last=2 vcpus=3",
      ...TIMEOUT,
    });
    expectSuccess(result);
    const runs = printed(result).filter((line) => line.startsWith("vCPU"));
    expect(runs).toEqual(Array.from({ length: 3 }, () => ["vCPU 1 runs", "vCPU 2 runs"]).flat());
  });

  test("three hundred generations, and no page is lost", async () => {
    const result = await boot(image, {
      on: "domu",
      modules: [image],
      cmdline: "last=300 quiet=1",
      timeoutMs: 120_000,
    });
    expectSuccess(result);
    const [first, last] = printed(result);
    expect(last).toBe(asNew(300, pagesOf(first)));
  });
});

describe("into another image", () => {
  test("a smaller one", async () => {
    const hello = await build("examples/hello.ts", { strip: true });
    const result = await boot(image, {
      on: "domu",
      modules: [image, hello],
      cmdline: "last=0 then=1",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result).at(-1)).toBe("Hello from a Xen guest");
  });

  test("a bigger one, of 6 MB, whose data covers this one's linear memory", async () => {
    const file = scratch("bigger.ts");
    await writeFile(
      file,
      `const data: usize = memory.data(6000000, 16);
       const marks = memory.data<u32>([0x12345678, 0x9abcdef0]);
       for (let at = data; at < data + 6000000; at += 8) assert(load<u64>(at) == 0, "not cleared");
       console.log("bigger " + load<u32>(marks + 4).toString(16));`,
    );
    const bigger = await build(file);
    const result = await boot(image, {
      on: "domu",
      modules: [image, bigger],
      cmdline: "last=0 then=1",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result).at(-1)).toBe("bigger 9abcdef0");
  });

  // The jump writes only what is not there already, by words: so where memory differs here and there, and at the edge between what
  // is in the file and what is cleared, which is neither a page's nor a word's.
  test("every byte that the last kernel changed is as in the image again, and every other", async () => {
    const pattern = Array.from({ length: 12_003 }, (_, at) => 1 + ((at * 167) % 251));
    const file = scratch("bytes.ts");
    await writeFile(
      file,
      `import { bootModules, commandLineValue, kexec } from "xenlet";
       const pattern: usize = memory.data<u8>([${pattern.join()}]);
       const zeroes: usize = memory.data(50001, 1);
       const modules = bootModules();
       /* Of the segment at the first address that may be used: linear memory. */
       const segment = new StaticArray<u64>(7);
       for (let at: u32 = 64; segment[2] != 0x1000; at += 56) modules[0].read(at, changetype<usize>(segment), 56);
       const edge = <usize>(segment[2] + segment[4]) - 4;
       const last = <usize>(segment[2] + segment[5]) - 3;
       const was = load<u64>(edge).toString(16);
       let wrong = 0;
       for (let i = 0; i < ${pattern.length}; i++)
         if (load<u8>(pattern + i) != 1 + i * 167 % 251) wrong++;
       for (let i = 0; i < 50001; i++) if (load<u8>(zeroes + i) != 0) wrong++;
       for (let i = 0; i < 3; i++) if (load<u8>(last + i) != 0) wrong++;
       console.log("edge " + was + ", at 4n+" + (edge % 4).toString() + ", wrong " + wrong.toString());
       if (commandLineValue("then") == "end") process.exit(0);
       function flip(at: usize): void { store<u8>(at, ~load<u8>(at)); }
       for (let i = 0; i < ${pattern.length}; i += 4099) flip(pattern + i);
       for (let i = 0; i < 50001; i += 9) flip(zeroes + i);
       for (let i = 0; i < 7; i++) flip(edge + i);
       for (let i = 0; i < 3; i++) flip(last + i);
       const refusal = kexec.load(modules[0], { cmdline: "then=end", modules });
       throw new Error(refusal + kexec.exec().toString());`,
    );
    // Whose allocator has nothing at the end of linear memory.
    const bytes = await build(file, { runtime: "stub" });
    const result = await boot(bytes, { on: "domu", modules: [bytes], ...TIMEOUT });
    expectSuccess(result);
    const [first, second] = printed(result);
    expect(first).toMatch(/^edge [0-9a-f]+, at 4n\+[123], wrong 0$/);
    expect(second).toBe(first);
  });

  test("a command line, modules and the memory map arrive", async () => {
    const file = scratch("arrived.ts");
    await writeFile(
      file,
      `import { bootModules, commandLine } from "xenlet";
       const modules = bootModules();
       const text = new StaticArray<u8>(<i32>modules[0].size);
       modules[0].read(0, changetype<usize>(text), <u32>modules[0].size);
       console.log(commandLine());
       console.log(String.UTF8.decode(changetype<ArrayBuffer>(text)));`.replace(
        "String.UTF8.decode(changetype<ArrayBuffer>(text))",
        "String.UTF8.decodeUnsafe(changetype<usize>(text), text.length)",
      ),
    );
    const module = scratch("module.txt");
    await writeFile(module, "grüße aus dem ersten Kern");
    const result = await boot(image, {
      on: "domu",
      modules: [image, await build(file), module],
      cmdline: "last=0 then=1 cmdline=a+b=c",
      ...TIMEOUT,
    });
    expectSuccess(result);
    const [, line, text] = printed(result);
    expect(line).toBe("a b=c");
    expect(text).toBe("grüße aus dem ersten Kern");
  });
});

describe("into a 32-bit kernel, across this one's image and memory", () => {
  const ENTRY = [
    "version 0x1",
    "cr0 0x11",
    "cr4 0x0",
    "eflags 0x0",
    "ram MiB 0x80",
    "modules 0x0",
    "zero-filled 0x0",
    "shared_info 0x0",
    "bind_ipi 0x0",
  ];
  let kernel32: string;

  beforeAll(async () => {
    kernel32 = await buildKernel32();
  });

  test("it is entered as PVH says, and has shared_info in its own width once it asks for it", async () => {
    const result = await boot(image, {
      on: "domu",
      modules: [image, kernel32],
      cmdline: "last=1 then=1",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result).slice(2)).toEqual([
      ...ENTRY,
      "port 0x3",
      "layout before 64",
      "callback 0x0",
      "layout after 32",
    ]);
  });

  test("the control: without the reset its events go to the dead kernel's vcpu_info, in either width", async () => {
    const result = await boot(image, {
      on: "domu",
      modules: [image, kernel32],
      cmdline: "last=0 then=1 reset=no",
      ...TIMEOUT,
    });
    expectSuccess(result);
    expect(printed(result).slice(1)).toEqual([
      ...ENTRY,
      "port 0x5",
      "layout before none",
      "callback 0x0",
      "layout after none",
    ]);
  });
});
