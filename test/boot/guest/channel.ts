// One vector after the other of a channel's fuzz (test/fuzz/channel.ts): prints what it was given, then what it is told to by
// standard input, and jumps into itself with the next vector's arguments. Boot module 0 is this image.

import { bootModules, kexec } from "xenlet";

function read(size: i32): ArrayBuffer {
  const buffer = new ArrayBuffer(size);
  for (let done = 0; done < size;) {
    const some = process.stdin.read(buffer, done);
    if (some == 0) throw new Error("standard input has ended");
    done += some;
  }
  return buffer;
}

const frame = new DataView(read(<i32>new DataView(read(4)).getUint32(0, true)));
let at = 0;

function u8At(): u32 {
  return frame.getUint8(at++);
}

function u32At(): u32 {
  at += 4;
  return frame.getUint32(at - 4, true);
}

function bytesAt(size: i32): ArrayBuffer {
  at += size;
  return frame.buffer.slice(at - size, at);
}

/** Bytes of a xorshift generator: more than would be worth sending. */
function generated(size: i32, seed: u32): ArrayBuffer {
  const buffer = new ArrayBuffer(size);
  for (let i = 0; i < size; i++) {
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    store<u8>(changetype<usize>(buffer) + i, <u8>seed);
  }
  return buffer;
}

const argv = process.argv;
console.log(argv.length.toString());
for (let i = 0; i < argv.length; i++) process.stdout.write(argv[i] + "\0");
const names = process.env.keys();
for (let i = 0; i < names.length; i++)
  process.stdout.write(names[i] + "=" + process.env.get(names[i]) + "\0");

const pieces = u32At();
for (let i: u32 = 0; i < pieces; i++) {
  const kind = u8At();
  const size = <i32>u32At();
  switch (kind) {
    case 0:
      process.stdout.write(bytesAt(size));
      break;
    case 1:
      process.stderr.write(bytesAt(size));
      break;
    case 2:
      console.log(String.UTF8.decode(bytesAt(size)));
      break;
    case 3:
      console.error(String.UTF8.decode(bytesAt(size)));
      break;
    case 4:
      process.stdout.write(generated(size, u32At()));
      break;
    default:
      process.stderr.write(generated(size, u32At()));
  }
}

const last = u8At() == 1;
const words: string[] = [];
const count = u32At();
for (let i: u32 = 0; i < count; i++) words.push(String.UTF8.decode(bytesAt(<i32>u32At())));
if (!last) {
  const modules = bootModules();
  const refusal = kexec.load(modules[0], { arguments: words, modules, quiet: true });
  if (refusal.length > 0) throw new Error(refusal);
  const result = kexec.exec();
  throw new Error(kexec.why() + " = " + result.toString());
}
