// Jumps into Linux: boot module 0 is its vmlinux, and behind that, in the last `initramfs=` bytes, its initramfs. `next=` is
// its command line, with + for a space.

import { KexecOptions, bootModules, commandLineValue, kexec, record, xenstore } from "xenlet";
import { PhysicalBytes } from "xenlet/physical";

const both = bootModules()[0];
const size = U64.parseInt(commandLineValue("initramfs"));
const options = new KexecOptions();
options.cmdline = commandLineValue("next").replaceAll("+", " ");
options.modules = [new PhysicalBytes(both.end - size, size)];
options.records = false;
const refusal = kexec.load(new PhysicalBytes(both.paddr, both.size - size), options);
if (refusal.length > 0) throw new Error(refusal);
record("fact", "store: write=" + xenstore.write("data/xenlet", "before").toString());
console.log("console before Linux");
throw new Error("exec: " + kexec.exec().toString() + ", " + kexec.why());
