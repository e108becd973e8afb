// Where Xen's functions are: XENPF_get_symbol, one after the other, as Xen's own table has them, by address (do_platform_op(),
// xen/arch/x86/platform_hypercall.c). For `xenlet conform --coverage`, whose log of QEMU's has addresses only.

import { describeResult, record } from "xenlet";
import { XENPF_get_symbol, xenpf_symdata } from "xenlet/raw/abi/platform";
import { platformArgument, platformOp } from "xenlet/raw/toolstack";

const NAME_SIZE: u32 = 128;
const name: usize = memory.data(<i32>NAME_SIZE, 8);

/** Whether `text` is `pattern`, in which a * at either end stands for anything. */
function fits(text: string, pattern: string): bool {
  const open = pattern.endsWith("*");
  const bare = pattern.replaceAll("*", "");
  if (pattern.startsWith("*")) return open ? text.includes(bare) : text.endsWith(bare);
  return open ? text.startsWith(bare) : text == bare;
}

/** A record for each function that one of `patterns` fits: `symbol:name= address= end=`, addresses in hex. */
export function tellSymbols(patterns: Array<string>): void {
  let pending = "";
  let begin: u64 = 0;
  let number: u32 = 0;
  const op = changetype<xenpf_symdata>(platformArgument());
  while (true) {
    op.namelen = NAME_SIZE;
    op.symnum = number;
    op.name = name;
    const result = platformOp(XENPF_get_symbol);
    if (result < 0) throw new Error("XENPF_get_symbol = " + describeResult(result));
    const address = op.address;
    if (pending.length > 0 && address > begin) {
      record("symbol", "name=" + pending + " address=" + begin.toString(16) + " end=" + address.toString(16));
      pending = "";
    }
    if (op.symnum == number) return;
    number = op.symnum;
    /* A static function is "file.c#function". */
    const text = String.UTF8.decodeUnsafe(name, min(op.namelen, NAME_SIZE), true);
    const bare = text.includes("#") ? text.substring(text.indexOf("#") + 1) : text;
    for (let i = 0; i < patterns.length && pending.length == 0; i++)
      if (fits(bare, patterns[i])) {
        pending = text;
        begin = address;
      }
  }
}
