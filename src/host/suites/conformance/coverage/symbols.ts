/** Where Xen's functions are, asked of Xen itself by a boot of its own (src/guest/conformance/symbols.ts). */
import { bootGuest } from "../../../boot/boot.js";
import { UserError } from "../../../base/errors.js";
import { ExitCode } from "../../../base/exit-codes.js";
import type { XenBinary } from "../../../debian/index.js";
import { fieldsOf } from "../../../protocol/record.js";
import type { BackendOptions } from "../backend.js";
import { prepared } from "../images.js";

export interface XenFunction {
  /** A static one is "file.c#function". */
  name: string;
  start: bigint;
  end: bigint;
}

const DOM0_MIB = 32;
const TIMEOUT_MS = 120_000;

/** Those that fit a pattern (a `*` at either end stands for anything). Throws a UserError (122) if Xen does not say. */
export async function askForFunctions(
  xen: XenBinary,
  patterns: readonly string[],
  options: BackendOptions,
): Promise<XenFunction[]> {
  const { qemu, imageFor } = await prepared(options)();
  const image = imageFor(xen);
  const functions: XenFunction[] = [];
  const result = await bootGuest({
    image,
    on: "dom0",
    xen,
    qemu,
    memoryMiB: DOM0_MIB,
    timeoutMs: TIMEOUT_MS,
    cmdline: `symbols=${patterns.join("+")}`,
    signal: options.signal,
    onRecord: (record) => {
      if (!record.signed || record.kind !== "symbol") return;
      const fields = fieldsOf(record);
      const [start, end] = ["address", "end"].map((key) => fields?.get(key) ?? "");
      functions.push({
        name: fields?.get("name") ?? "",
        start: BigInt(`0x${start ?? ""}`),
        end: BigInt(`0x${end ?? ""}`),
      });
    },
  });
  if (result.verdict !== "exit" || result.guestCode !== 0)
    throw new UserError(`cannot find Xen's functions: ${result.message}`, {
      exitCode: ExitCode.HOST,
    });
  return functions;
}
