// A Linux initramfs: a cpio archive, "newc" format (Linux's Documentation/driver-api/early-userspace/buffer-format.rst).

export interface InitramfsEntry {
  name: string;
  /** File type and permissions, as st_mode has them. */
  mode: number;
  data?: Buffer;
  /** Of a device node: major and minor. */
  device?: [major: number, minor: number];
}

export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFREG = 0o100000;

/** An archive of these, uncompressed. */
export function initramfs(entries: InitramfsEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const [index, entry] of [...entries, { name: "TRAILER!!!", mode: 0 }].entries()) {
    const { name, mode, data = Buffer.alloc(0), device = [0, 0] } = entry;
    const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    parts.push(padded(Buffer.from(`${header}${name}\0`, "latin1")), padded(data));
  }
  return Buffer.concat(parts);
}

/** Headers with their names, and data, each begin at a multiple of 4. */
function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}
