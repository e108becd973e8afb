// Where Xen's functions are: XENPF_get_symbol, one after the other, as Xen's own table has them, by address (do_platform_op(),
// xen/arch/x86/platform_hypercall.c). For `xenlet conform --coverage`, whose log of QEMU's has addresses only.

import { describeResult, record } from "xenlet";
import { hypercall1 } from "xenlet/raw/hypercall";

// platform.h
const __HYPERVISOR_platform_op: u32 = 7;
const XENPF_INTERFACE_VERSION: u32 = 0x03000001;
const XENPF_get_symbol: u32 = 63;

/** struct xen_platform_op: its head, and 128 bytes for struct xenpf_symdata. */
@unmanaged
class xenpf_get_symbol {
  cmd: u32;
  interface_version: u32;
  namelen: u32;
  symnum: u32;
  name: u64;
  address: u64;
  type: u64;
}

const op = changetype<xenpf_get_symbol>(memory.data(136, 8));
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
  while (true) {
    op.cmd = XENPF_get_symbol;
    op.interface_version = XENPF_INTERFACE_VERSION;
    op.namelen = NAME_SIZE;
    op.symnum = number;
    op.name = name;
    const result = hypercall1(__HYPERVISOR_platform_op, changetype<usize>(op));
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
