// Is this file a Xen hypervisor, and which?

/** A hypervisor as found in a file. */
export interface XenIdentity {
  /** "4.17.7" or "4.20-rc2"; null where the file does not tell. */
  version: string | null;
  /** "4.17"; null where the file does not tell. */
  release: string | null;
}

/** Where a multiboot loader looks for the header: multiboot 0.6.96, 3.1. */
const MULTIBOOT_SEARCH_BYTES = 8192;
const MULTIBOOT_MAGIC = 0x1badb002;

/** The format of the banner that every Xen prints first, whatever its version. */
const BANNER = "Xen version %d.%d%s";

const PT_LOAD = 1;

/**
 * What `bytes` are. Returns why they are no Xen as a string, in words that complete
 * "it …".
 */
export function identifyXen(bytes: Buffer): XenIdentity | string {
  if (bytes.length === 0) return "is empty";
  if (!isElf32(bytes)) {
    if (bytes.includes(BANNER)) return otherForm(bytes);
    return "is not a 32-bit x86 ELF file, as a bootable Xen is";
  }
  if (!hasMultibootHeader(bytes)) {
    return `has no multiboot header in its first ${MULTIBOOT_SEARCH_BYTES} bytes`;
  }
  const lacking = missingBytes(bytes);
  if (lacking > 0) return `is truncated: ${lacking} bytes are missing at its end`;
  if (!bytes.includes(BANNER)) return "does not contain Xen's banner";
  const version = xenVersion(bytes);
  return { version, release: version === null ? null : (/^\d+\.\d+/.exec(version)?.[0] ?? null) };
}

const ELF32_HEADER_BYTES = 52;

/** Of the same hypervisor, beside the one that a boot loader takes. */
function otherForm(bytes: Buffer): string {
  if (bytes.toString("latin1", 0, 2) === "MZ") return "is a Xen for EFI (xen.efi)";
  if (bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2)
    return "is Xen with its symbols, for a debugger (xen-syms)";
  return "is not the form of Xen that a boot loader accepts";
}

/** ELF, 32-bit, little-endian, for x86. */
function isElf32(bytes: Buffer): boolean {
  return (
    bytes.length >= ELF32_HEADER_BYTES &&
    bytes.readUInt32BE(0) === 0x7f454c46 &&
    bytes[4] === 1 &&
    bytes[5] === 1 &&
    bytes.readUInt16LE(18) === 3
  );
}

function hasMultibootHeader(bytes: Buffer): boolean {
  const end = Math.min(bytes.length, MULTIBOOT_SEARCH_BYTES) - 12;
  for (let at = 0; at <= end; at += 4) {
    if (bytes.readUInt32LE(at) !== MULTIBOOT_MAGIC) continue;
    const sum = MULTIBOOT_MAGIC + bytes.readUInt32LE(at + 4) + bytes.readUInt32LE(at + 8);
    if (sum % 2 ** 32 === 0) return true;
  }
  return false;
}

/** How many bytes the ELF32 program headers promise beyond the end of the file. */
function missingBytes(bytes: Buffer): number {
  const tableOffset = bytes.readUInt32LE(28);
  const entryBytes = bytes.readUInt16LE(42);
  const entries = bytes.readUInt16LE(44);
  let end = tableOffset + entries * entryBytes;
  for (let index = 0; index < entries; index++) {
    const at = tableOffset + index * entryBytes;
    if (at + 32 > bytes.length) break;
    if (bytes.readUInt32LE(at) !== PT_LOAD) continue;
    end = Math.max(end, bytes.readUInt32LE(at + 4) + bytes.readUInt32LE(at + 16));
  }
  return Math.max(0, end - bytes.length);
}

/**
 * The version a Xen was built as. No string holds it: the banner's numbers are returned
 * by xen_major_version() and xen_minor_version(), which follow one another in
 * common/version.c, and its suffix by xen_extra_version(), which comes third:
 *
 *     b8 imm32     mov  $MAJOR, %eax      (endbr64 before it in builds with CET)
 *     c3 | e9 …    ret, or jmp to the return thunk
 *     …            padding to the next function
 *     b8 imm32     mov  $MINOR, %eax
 *     c3 | e9 …
 *     …
 *     48 8d 05 …   lea  suffix(%rip), %rax
 */
function xenVersion(bytes: Buffer): string | null {
  const ret = "(?:\\xc3|\\xe9[^]{4})";
  const padding = "[^]{0,31}?(?:\\xf3\\x0f\\x1e\\xfa)?";
  const pattern = new RegExp(
    `\\xb8([\\x03-\\x09])\\0\\0\\0${ret}${padding}` +
      `\\xb8([\\0-\\x63])\\0\\0\\0${ret}${padding}` +
      `\\x48\\x8d\\x05([^]{4})${ret}`,
    "g",
  );
  const text = bytes.toString("latin1");
  for (const match of text.matchAll(pattern)) {
    const [whole, major = "", minor = "", displacement = ""] = match;
    // The image is one segment, so a distance in memory is a distance in the file.
    const end = match.index + whole.lastIndexOf(`\x48\x8d\x05${displacement}`) + 7;
    const start = end + Buffer.from(displacement, "latin1").readInt32LE(0);
    if (start <= 0 || start >= bytes.length) continue;
    const suffix = text.slice(start, text.indexOf("\0", start));
    if (/^(?:|[.-][\w.+~-]{1,32})$/.test(suffix)) {
      return `${major.charCodeAt(0)}.${minor.charCodeAt(0)}${suffix}`;
    }
  }
  return null;
}
