// Debian's packages: Xen, QEMU and whatever else is needed come from there, downloaded
// with their signatures checked and unpacked into a cache, never installed.

export { NotOnMirror } from "./apt.js";
export { diagnose } from "./doctor.js";
export type { Check } from "./check.js";
export { thisMachine, unsupported } from "./platform.js";
export { provideLinux } from "./linux.js";
export type { LinuxKernel } from "./linux.js";
export { providePackages } from "./packages.js";
export type { UnpackedPackages } from "./packages.js";
export { checkQemuChoice, provideQemu } from "./qemu.js";
export type { Qemu } from "./qemu.js";
export { XEN_RELEASES, isXenRelease, suiteOf } from "./releases.js";
export type { Suite, XenRelease } from "./releases.js";
export type { SetOptions } from "./sets.js";
export { provideXen, xenFromPath } from "./xen.js";
export type { XenBinary } from "./xen.js";
