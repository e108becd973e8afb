// An initramfs: a cpio archive of the kind that Linux unpacks ("newc", Documentation/driver-api/early-userspace/
// buffer-format.rst). Owners, inode numbers and times are all 0, so that the same contents give the same bytes.

export type CpioEntry =
  | { type: "file"; path: string; data: Uint8Array; executable?: boolean }
  | { type: "link"; path: string; target: string }
  | { type: "directory"; path: string }
  | { type: "device"; path: string; major: number; minor: number };

const S_IFLNK = 0o120000;
const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
const S_IFCHR = 0o020000;

/** Linux looks for the next archive at a multiple of 4 bytes, and reports nothing if there is none. */
const ALIGNMENT = 4;

/** The archive's bytes, a multiple of 4: archives may be put one behind the other, and later files replace earlier ones. */
export function writeCpio(entries: CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const entry of withDirectories(entries)) parts.push(...member(entry));
  parts.push(...member({ type: "end", path: "TRAILER!!!" }));
  return Buffer.concat(parts);
}

/** Each entry's directories before it, each once. */
function withDirectories(entries: CpioEntry[]): CpioEntry[] {
  const known = new Set<string>();
  const all: CpioEntry[] = [];
  const add = (entry: CpioEntry): void => {
    if (entry.type === "directory") {
      if (known.has(entry.path)) return;
      known.add(entry.path);
    }
    all.push(entry);
  };
  for (const entry of entries) {
    const names = entry.path.split("/");
    if (names.some((name) => name === "" || name === "." || name === ".."))
      throw new Error(`expected a path without a leading slash, "." or "..": ${entry.path}`);
    for (let depth = 1; depth < names.length; depth++)
      add({ type: "directory", path: names.slice(0, depth).join("/") });
    add(entry);
  }
  return all;
}

type Member = CpioEntry | { type: "end"; path: string };

function member(entry: Member): Uint8Array[] {
  const data = dataOf(entry);
  const name = Buffer.from(`${entry.path}\0`);
  const [major, minor] = entry.type === "device" ? [entry.major, entry.minor] : [0, 0];
  const fields = [
    0, // inode
    modeOf(entry),
    0, // owner
    0, // group
    1, // links
    0, // time
    data.length,
    0, // device the archive was made on
    0,
    major,
    minor,
    name.length,
    0, // checksum, in the "crc" kind only
  ];
  const header = "070701" + fields.map((field) => field.toString(16).padStart(8, "0")).join("");
  return [
    Buffer.from(header),
    name,
    padding(header.length + name.length),
    data,
    padding(data.length),
  ];
}

function dataOf(entry: Member): Uint8Array {
  if (entry.type === "file") return entry.data;
  return Buffer.from(entry.type === "link" ? entry.target : "");
}

function modeOf(entry: Member): number {
  switch (entry.type) {
    case "file":
      return S_IFREG | (entry.executable === true ? 0o755 : 0o644);
    case "link":
      return S_IFLNK | 0o777;
    case "directory":
      return S_IFDIR | 0o755;
    case "device":
      return S_IFCHR | 0o600;
    case "end":
      return 0;
  }
}

function padding(length: number): Uint8Array {
  return new Uint8Array((ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT);
}
