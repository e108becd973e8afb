/** `xenlet conform --coverage`: which blocks of Xen's functions the checks ran, and which never. */
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import type { XenBinary } from "../../../debian/index.js";
import { PT_LOAD } from "../../../elf/constants.js";
import { readElf, type Elf } from "../../../elf/elf.js";
import type { BackendOptions } from "../backend.js";
import { blocksOf, type Block } from "./blocks.js";
import { askForFunctions, type XenFunction } from "./symbols.js";
import { Trace, offsetOf } from "./trace.js";

/** What a soft reset and the scheduler's operations are made of. */
export const COVERED = [
  "domain_soft_reset",
  "arch_domain_soft_reset",
  "domain_resume",
  "evtchn_reset",
  "evtchn_close",
  "evtchn_fifo_destroy",
  "unmap_guest_area",
  "unmap_vcpu_info",
  "grant_table_warn_active_grants",
  "do_sched_op",
  "do_poll",
];

export interface FunctionCoverage extends XenFunction {
  blocks: number;
  missed: Block[];
}

/** Gathers what the boots of each Xen run. */
export class Coverage {
  readonly #traces = new Map<string, Trace>();

  private constructor(
    private readonly folder: string,
    private readonly patterns: readonly string[],
  ) {}

  /** Makes `folder`. */
  static async begin(folder: string, patterns: readonly string[]): Promise<Coverage> {
    await mkdir(folder, { recursive: true });
    return new Coverage(folder, patterns);
  }

  /** For BackendOptions.trace. */
  boot({ path: file }: XenBinary): { qemuArgs: string[]; end: () => Promise<void> } {
    const trace = this.#traces.get(file) ?? new Trace(this.folder, String(this.#traces.size + 1));
    this.#traces.set(file, trace);
    const { file: log, args } = trace.next();
    return { qemuArgs: args, end: () => trace.read(log) };
  }

  /** Writes coverage-LABEL.txt and .json; returns a line that sums them up. */
  async write(label: string, xen: XenBinary, options: BackendOptions): Promise<string> {
    const trace = this.#traces.get(xen.path);
    if (trace === undefined) return `Xen ${label}: no boot, so no coverage`;
    const image = await readElf(xen.path);
    const found: FunctionCoverage[] = [];
    for (const one of await askForFunctions(xen, this.patterns, options)) {
      const blocks = await blocksOf(codeAt(image, one), one.start);
      const missed = blocks.filter(({ start }) => !trace.ran(start));
      found.push({ ...one, blocks: blocks.length, missed });
    }
    const file = path.join(this.folder, `coverage-${label.replaceAll(/[^\w.-]/g, "-")}`);
    await writeFile(`${file}.txt`, textOf(found));
    await writeFile(`${file}.json`, jsonOf(label, found));
    const all = found.reduce((sum, { blocks }) => sum + blocks, 0);
    const missed = found.reduce((sum, one) => sum + one.missed.length, 0);
    return `Xen ${label}: ${all - missed} of ${all} blocks of ${found.length} functions ran (${file}.txt)`;
  }
}

/** A function's bytes, out of Xen's file, whose segments have physical addresses; none where the file has none for it. */
export function codeAt({ segments, bytes }: Elf, { start, end }: XenFunction): Uint8Array {
  const paddr = BigInt(offsetOf(start));
  const segment = segments.find(
    (one) =>
      one.type === PT_LOAD && paddr >= one.paddr && paddr < one.paddr + BigInt(one.fileSize),
  );
  if (segment === undefined) return new Uint8Array();
  const from = segment.offset + Number(paddr - segment.paddr);
  return bytes.data.subarray(from, from + Number(end - start));
}

export function textOf(functions: readonly FunctionCoverage[]): string {
  const lines = functions.flatMap(({ name, start, blocks, missed }) => [
    `${name}: ${blocks - missed.length} of ${blocks} blocks ran`,
    ...missed.map((block) => {
      const [from, to] = [block.start - start, block.end - start];
      return `  never ran: +0x${from.toString(16)}..+0x${to.toString(16)} (0x${block.start.toString(16)})`;
    }),
  ]);
  return `${lines.join("\n")}\n`;
}

function jsonOf(label: string, functions: readonly FunctionCoverage[]): string {
  const hex = (value: bigint): string => `0x${value.toString(16)}`;
  return `${JSON.stringify(
    {
      xen: label,
      functions: functions.map(({ name, start, end, blocks, missed }) => ({
        name,
        start: hex(start),
        end: hex(end),
        blocks,
        missed: missed.map((block) => ({ start: hex(block.start), end: hex(block.end) })),
      })),
    },
    null,
    2,
  )}\n`;
}
