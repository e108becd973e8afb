// Prints in the way that its first argument names: output.test.ts.

import { bootModules, commandLine, kexec, sched, systemTime } from "xenlet";

/** Writes bytes that need not be text, to standard output or error. */
function write(text: string, from: i32, to: i32, isError: bool = false): void {
  const bytes = String.UTF8.encode(text).slice(from, to);
  if (isError) process.stderr.write(bytes);
  else process.stdout.write(bytes);
}

function trap(): void {
  store<u8>(0xf0000000, 1);
}

const mode = process.argv[1];
if (mode == "much") {
  /* With 100: a million characters in one line, 97,000 lines at once, and 3,000 one by one. */
  const times = <i32>parseInt(process.argv[2]);
  let line = "";
  for (let i = 0; i < 100; i++) line += "0123456789".repeat(9) + "ä漢😀" + (i % 10).toString().repeat(7);
  console.log(line.repeat(times));
  let lines = "";
  for (let i = 0; i < 970; i++) lines += i.toString() + "\n";
  process.stdout.write(lines.repeat(times));
  for (let i = 0; i < 30 * times; i++) console.log(i.toString());
} else if (mode == "apart") {
  /* Each of the bytes of two characters in a record of its own, between those of the other stream. */
  for (let i = 0; i < 7; i++) {
    write("漢😀", i, i + 1);
    write("é✓é", i, i + 1, true);
  }
  process.stdout.write("\r\0\x1b[1m\n\n");
  process.stderr.write("");
  console.error("a line");
  process.stdout.write("lone \uD800 half");
  process.exit(3);
} else if (mode == "trap" || mode == "abort" || mode == "hang") {
  process.stdout.write("checking... ");
  process.stderr.write("partial");
  if (mode == "trap") trap();
  if (mode == "abort") throw new Error("on purpose");
  while (true) {}
} else if (mode.startsWith("all-")) {
  /* All that goes through the channel, up to an end in the middle of a line; before that the same in the kernel that is the module. */
  const words = process.argv.slice(1);
  console.log(commandLine());
  for (let i = 0; i < words.length; i++) process.stdout.write(words[i] + "\0");
  console.log(process.env.get("NAME"));
  const random = new Uint8Array(16);
  crypto.getRandomValues(random);
  console.error(random.toString());
  const input = new ArrayBuffer(64);
  for (let size = process.stdin.read(input); size > 0; size = process.stdin.read(input))
    process.stdout.write(input.slice(0, size));
  console.log("0123456789".repeat(2_000));
  process.stdout.write("half a line");
  if (bootModules().length > 0) {
    const refusal = kexec.load(bootModules()[0], { arguments: words, cmdline: commandLine() });
    if (refusal.length > 0) throw new Error(refusal);
    kexec.exec();
    throw new Error(kexec.why());
  }
  if (mode == "all-trap") trap();
} else if (mode == "read") {
  console.log("name?");
  process.stdin.read(new ArrayBuffer(1));
} else if (mode == "flood") {
  while (true) console.log("and so on");
} else if (mode == "prompt") {
  process.stderr.write("ready");
  process.stderr.write("> ");
  while (true) sched.poll([], systemTime() + 1_000_000_000);
}
