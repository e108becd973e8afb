/** A function's basic blocks, by objdump: it comes with gcc's assembler, which compiles guests. */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { run } from "../../../build/link/tool.js";
import { temporaryFolder } from "../../../cache/temporary.js";

export interface Block {
  start: bigint;
  /** Behind its last instruction. */
  end: bigint;
}

/** An instruction: "ffff82d040200000:\tfa \tcli". */
const INSTRUCTION = /^\s*([0-9a-f]+):\t((?:[0-9a-f]{2} )+)\s*(?:\t(\S+)\s*(.*))?$/;
/** What ends a block. */
const ENDS = /^(j\w+|loop\w*|ret\w*|iret\w*|ud2\w*|hlt)$/;
/** Between functions, and in front of loops. */
const PADDING = /^(nop\w*|int3|xchg|data16|cs)$/;
const TARGET = /^(?:0x)?([0-9a-f]+)/;

/** Disassembles `code`, which is at `start`. Throws a UserError (122) if there is no objdump. */
export async function blocksOf(code: Uint8Array, start: bigint): Promise<Block[]> {
  const folder = await temporaryFolder("coverage");
  try {
    const file = path.join(folder.path, "code");
    await writeFile(file, code);
    const stdout = await run("objdump", [
      ...["-D", "-b", "binary", "-m", "i386:x86-64"],
      ...[`--adjust-vma=0x${start.toString(16)}`, file],
    ]);
    return parseBlocks(stdout.split("\n"));
  } finally {
    await folder.dispose();
  }
}

/** From objdump's lines to blocks; those of padding alone are left out. */
export function parseBlocks(lines: readonly string[]): Block[] {
  const instructions: { at: bigint; end: bigint; name: string; operand: string }[] = [];
  for (const line of lines) {
    const [, at = "", bytes = "", name, operand = ""] = INSTRUCTION.exec(line) ?? [];
    if (at === "") continue;
    const from = BigInt(`0x${at}`);
    const end = from + BigInt(bytes.trim().split(" ").length);
    const last = instructions.at(-1);
    // The rest of a long instruction's bytes.
    if (name === undefined && last !== undefined) last.end = end;
    else instructions.push({ at: from, end, name: name ?? "", operand });
  }
  const leaders = new Set<bigint>();
  for (const { end, name, operand } of instructions) {
    if (!ENDS.test(name)) continue;
    leaders.add(end);
    const target = TARGET.exec(operand)?.[1];
    if (name.startsWith("j") && target !== undefined) leaders.add(BigInt(`0x${target}`));
  }
  const blocks: Block[] = [];
  let current: (Block & { real: boolean }) | null = null;
  for (const { at, end, name } of instructions) {
    if (current === null || leaders.has(at)) {
      if (current?.real === true) blocks.push({ start: current.start, end: current.end });
      current = { start: at, end, real: false };
    }
    current.end = end;
    // What bug frames put behind ud2 is data.
    current.real ||= !PADDING.test(name) && name !== "(bad)";
  }
  if (current?.real === true) blocks.push({ start: current.start, end: current.end });
  return blocks;
}
