// A file without section headers: no loader reads them, and without symbols no tool does.

/** Of an ELF file for x86-64. What lies behind its segments goes, too. */
export function withoutSections(file: Buffer): Buffer {
  const phoff = Number(file.readBigUInt64LE(32));
  const phentsize = file.readUInt16LE(54);
  let end = phoff + phentsize * file.readUInt16LE(56);
  for (let at = phoff, last = end; at < last; at += phentsize)
    end = Math.max(end, Number(file.readBigUInt64LE(at + 8) + file.readBigUInt64LE(at + 32)));
  const result = Buffer.from(file.subarray(0, end));
  result.writeBigUInt64LE(0n, 40); // e_shoff
  result.fill(0, 58, 64); // e_shentsize, e_shnum, e_shstrndx
  return result;
}
