/** What a boot is asked for, and what it is then known to need. */
import type { CpuLevel } from "../base/cpu-level.js";
import type { Progress } from "../base/progress.js";
import type { Qemu, XenBinary } from "../debian/index.js";
import type { Text } from "../elf/run-block.js";
import type { GuestRecord } from "../protocol/record.js";
import type { OutputStream } from "../protocol/text-output.js";
import type { Expectation } from "./expectation.js";
import type { Job } from "./job.js";
import type { Deadlines, Stage } from "./stages.js";
import type { Input } from "./standard-input.js";

/**
 * Ways to run an image: as Xen's PVH dom0, as a domain that our own toolstack makes, or as one that stock xl does,
 * PVH or HVM.
 */
export type Way = "dom0" | "domu" | "xl" | "xl-hvm";
export const WAYS: readonly Way[] = ["dom0", "domu", "xl", "xl-hvm"];

/** What the toolstack does with a domain that asks for a soft reset; all but the first are for showing what then fails. */
export const ON_SOFT_RESET = ["soft-reset", "resume", "destroy"] as const;
export type OnSoftReset = (typeof ON_SOFT_RESET)[number];

/**
 * How a boot begins: at the machine's start; or where a machine with the same Xen had come so far that its toolstack
 * waited for its job, saved once and kept in the cache.
 */
export type BootStart = "cold" | "restored";
export const BOOT_STARTS: readonly BootStart[] = ["cold", "restored"];

export const RECORDS_BY = ["ring", "port"] as const;
export type RecordsBy = (typeof RECORDS_BY)[number];

/** What bootGuest() is given. */
export interface BootOptions {
  /** Path of the guest's PVH image. */
  image: string;
  /** Default: domu. */
  on?: Way;
  /** domu, and xl and xl-hvm but for resume. Default: soft-reset. */
  onSoftReset?: OnSoftReset;
  /**
   * domu: the toolstack reports what Xen has of the domain right before and right after each soft reset, and at each
   * shutdown its reason, its vCPUs that are online and its pages.
   */
  tellState?: boolean;
  xen: XenBinary;
  qemu: Qemu;
  /** Of the guest: 8..65536, default 128. */
  memoryMiB?: number;
  /** Of the guest: 1..128, default 1. */
  vcpus?: number;
  /** The machine's own CPUs: 1..255, default one, and two for a guest of several vCPUs; with `icount` 1. */
  pcpus?: number;
  /**
   * Default: restored where that may be, cold where it may not: in all ways but domu, with gdb, a core, instructions counted, words
   * for Xen or QEMU, and machines above 2 GiB. A state that does not restore costs a note, and nothing else.
   */
  boot?: BootStart;
  /** dom0 only: memory for the domains that the guest itself makes, in MiB. */
  domUMiB?: number;
  /** dom0 only: what the image is given, if it is a toolstack that takes its job by fw_cfg (src/guest/toolstack/job.ts). */
  job?: Job;
  /** What the guest's own code may take, 1..2^31-1, default 60 000; the stages before it get at least as much. */
  timeoutMs?: number;
  /** Deadlines of single stages, in ms, where those that follow from timeoutMs will not do. */
  deadlines?: Partial<Deadlines>;
  /** Xen's command line for the guest, as it is: printable ASCII, 1023 bytes at most, fewer where more is on it. */
  cmdline?: string;
  /** What the program is called by, argv[0]. Default: the image's path. */
  name?: Text;
  /**
   * argv from [1] on: any bytes but NUL, text as UTF-8; with the environment 64 KiB at most, a byte for each end. Default:
   * the words of the command line.
   */
  arguments?: readonly Text[];
  /** NAME=VALUE each. */
  environment?: readonly Text[];
  /** Files that the guest finds as its boot modules; no white space in their paths. Xen gives a dom0 one at most. */
  modules?: string[];
  /** Lets nothing run until a gdb attached to this port of localhost says so; then there are no deadlines. */
  gdbPort?: number;
  /** The machine's CPU: a level of x86-64; default: the first, with which a guest runs everywhere. */
  cpu?: CpuLevel;
  /** One instruction a nanosecond: figures that do not depend on the machine's load. About four times slower. */
  icount?: boolean;
  /** More words for Xen's command line. */
  xenArgs?: string[];
  /** More arguments for QEMU. */
  qemuArgs?: string[];
  /** Standard input: text, bytes, or a stream of them, which is read as the guest asks for it. Default: nothing, and its end. */
  input?: Input;
  /**
   * ASCII, typed as soon as the guest's own code runs: on the guest's console; for a dom0 on Xen's, which it reads by
   * console_io. Then there is no other standard input.
   */
  typed?: string;
  /**
   * How a domain's text and records travel: by its console's ring, or by the debug port, as crashes always do, at five times
   * the cost, for a guest that may take Xen down before the ring is read. Default: ring. A dom0 has no ring.
   */
  records?: RecordsBy;
  /** Where the log goes. Default: a file of its own in the cache, which keeps the last 100. */
  log?: string;
  /** The verdict on a guest that says none itself: another project's. */
  expect?: Expectation;
  /**
   * A regular file: an ELF core for gdb is written to it if the guest crashes or its time is up. domu and dom0 only. The
   * machine's memory is then shared with this process, and the boot is a cold one.
   */
  core?: string;
  /** Boot an image that does not look as if Xen could load it. */
  force?: boolean;
  /** Aborted by a SilentBoot, the machine is asked where it is first (last-words.ts): not where it is restored. */
  lastWords?: boolean;
  /** Ends QEMU; bootGuest rejects with the signal's reason. */
  signal?: AbortSignal;
  /** Told of the toolstack's image being built, and of a state being saved. */
  progress?: Progress;
  /** Something that the caller may want to know and that changes nothing: why a boot is cold after all. */
  onNote?(text: string): void;
  /** Called at each stage that the boot reaches, in order. */
  onStage?(stage: Stage): void;
  /** Called with each of the guest's records, in order. */
  onRecord?(record: GuestRecord): void;
  /** What the toolstack reports; domu only. */
  onToolstackRecord?(record: GuestRecord): void;
  /** What the guest prints, line by line: on standard output, on standard error, and to its debug port itself. */
  onConsole?(line: string, stream: "log" | "error" | "port"): void;
  /** Standard output and error as bytes, as they come. */
  onOutput?(bytes: Uint8Array, stream: OutputStream): void;
  /** Xen's own lines. */
  onXenLine?(line: string): void;
  /** With gdbPort: gdb can attach now. */
  onGdb?(): void;
  /** As soon as the log is there, before QEMU starts; null where none can be written. */
  onLog?(path: string | null): void;
}

export interface BootPlan {
  /** Of the guest's records. */
  nonce: string;
  /** Of the toolstack's; null where the guest is dom0. */
  toolstackNonce: string | null;
  /** The toolstack's image; null as well. */
  toolstackImage: string | null;
  /** QEMU's arguments, for a boot from the start. */
  args: string[];
  /** The toolstack's job, if the machine may continue from a saved state; null if it may not. */
  job: string | null;
  /** From a line of the serial console to those that a Monitor takes, where they are not the same. */
  read?: (line: string) => string[];
  /** Removes what was made for this boot only. */
  dispose: () => Promise<void>;
}

export interface Sized {
  memoryMiB: number;
  vcpus: number;
  pcpus: number;
}
