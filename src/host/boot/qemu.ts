/** The machine that Xen runs on: QEMU's command line, and QEMU's process. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Duplex, Readable, Writable } from "node:stream";
import type { CpuLevel } from "../base/cpu-level.js";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { quoteWord } from "../base/shell.js";
import { ramArgs } from "../core/machine-memory.js";
import type { Qemu } from "../debian/index.js";
import { JOB_ITEM } from "./job.js";

export interface MachineOptions {
  /** The hypervisor's file, not compressed. */
  xen: string;
  /** What Xen boots as dom0: the guest's file, or the toolstack's; no white space in its path (see linkImage). */
  image: string;
  /** For an image without a run block: the first word of its command line. */
  nonce?: string;
  /** dom0's, in MiB. */
  memoryMiB: number;
  /** dom0's. Default: 1. */
  vcpus?: number;
  /** The machine's own CPUs. */
  pcpus: number;
  /** Its command line. */
  cmdline?: string;
  /** Files that dom0 gets as its modules. */
  modules?: string[];
  /** Memory for domains beside dom0, in MiB. */
  domUMiB?: number;
  /** The file with a toolstack's job (job.ts). */
  job?: string;
  /** Listen for gdb on this port of localhost, and let nothing run before it says so. */
  gdbPort?: number;
  /** Its CPUs' level. */
  cpu?: CpuLevel;
  /** A core may be taken: the machine's memory can be read from outside. */
  core?: string;
  /** One instruction, one nanosecond: docs/performance.md. */
  icount?: boolean;
  /** More words of Xen's own command line. */
  xenArgs?: string[];
  /** More of QEMU's. They come last, and QEMU takes the last of most options. */
  qemuArgs?: string[];
}

/** QEMU's qemu64 has SSE3 and CMPXCHG16B of the second level. */
const CPU_MODELS: Record<CpuLevel, string> = {
  "x86-64": "qemu64,+svm,+npt",
  "x86-64-v2": "qemu64,+svm,+npt,+ssse3,+sse4.1,+sse4.2,+popcnt,+lahf_lm",
};

/** Xen cuts off the rest: MAX_GUEST_CMDLINE, xen/include/public/xen.h, less the NUL. */
const MAX_CMDLINE = 1023;

/** What a guest's memory may be. Xen builds a domain of 4 MiB, but an image and its stacks need room. */
export const MIN_MEMORY_MIB = 8;
/** QEMU's pc machine has 40 bits of physical addresses under TCG: far above this. */
export const MAX_MEMORY_MIB = 65_536;
/** HVM_MAX_VCPUS: xen/include/public/hvm/hvm_info_table.h. */
export const MAX_VCPUS = 128;
export const DEFAULT_MEMORY_MIB = 128;
/**
 * CPUs of the machine for a guest of so many vCPUs: one where nothing runs beside it, two where two things shall happen at
 * once; more cost a boot more (Xen starts each). One CPU has one clock: under TCG those of two are up to 1 ms apart
 * (no invariant TSC, so Xen calibrates each), and a guest that moves between them wakes that much early.
 */
export function defaultPcpus(vcpus: number): number {
  return Math.min(vcpus, 2);
}
/** QEMU's pc machine has no more: pc_machine_class_init, hw/i386/pc.c, 7.2. */
export const MAX_PCPUS = 255;
/** What our toolstack builds an MADT for (src/guest/toolstack/acpi.ts). */
export const MAX_DOMU_VCPUS = 64;
/** The toolstack's own memory as dom0: its job's files stay outside of it. */
export const TOOLSTACK_MIB = 24;

/** What a domain of xenlet's toolstack takes beside its memory, in MiB: nested page tables, special pages and slack, what Xen keeps of it. */
export function domainOverheadMiB(memoryMiB: number, vcpus: number): number {
  return Math.ceil((memoryMiB * 8) / 1024) + vcpus + 8;
}

/** What Xen gets beside the guest's memory, in MiB: its own (it boots with 32), nested page tables. */
function overheadMiB(memoryMiB: number): number {
  return 128 + Math.ceil(memoryMiB / 64);
}

/**
 * Sizes of machines that are saved and restored: few, so that one state serves many runs. Saving and loading it takes
 * time by its size, so beyond the last a boot is quicker.
 */
const SIZES_MIB = [320, 512, 1024, 2048];

function sizeFor(neededMiB: number): number {
  return SIZES_MIB.find((size) => size >= neededMiB) ?? neededMiB;
}

/** Whether a machine with those arguments is of a size that is worth a state. */
export function hasSavedSize(args: string[]): boolean {
  return SIZES_MIB.includes(Number(args[args.indexOf("-m") + 1]));
}

/** QEMU takes a comma as a separator and two as one. */
function escapeCommas(text: string): string {
  return text.replaceAll(",", ",,");
}

/** With what stands before the guest's own words, where something does. Throws a UserError. */
export function checkCommandLine(cmdline: string): void {
  if (!/^[ -~]*$/.test(cmdline))
    throw new UserError("the guest's command line must be printable ASCII");
  if (cmdline.length > MAX_CMDLINE)
    throw new UserError(
      `the command line has ${cmdline.length} bytes, including what precedes the guest's own part; Xen passes on at most ${MAX_CMDLINE}`,
    );
}

/** QEMU's arguments for one boot. Throws a UserError for what cannot be said on a command line. */
export function machineArgs(options: MachineOptions): string[] {
  const { memoryMiB, gdbPort } = options;
  if ([options.image, ...(options.modules ?? [])].some((file) => /\s/.test(file)))
    throw new UserError(
      `the image's path contains white space, which QEMU cannot pass on: ${options.image}`,
    );
  const totalMiB = memoryMiB + (options.domUMiB ?? 0);
  const neededMiB = totalMiB + overheadMiB(totalMiB);
  const ramMiB = options.job === undefined ? neededMiB : sizeFor(neededMiB);
  const nonce = options.nonce === undefined ? "" : `nonce=${options.nonce} `;
  const cmdline = nonce + (options.cmdline ?? "");
  checkCommandLine(cmdline);

  const xenArgs = [
    "com1=115200,8n1",
    "console=com1",
    // The guest's debug port is at level debug, which a release build leaves out by default.
    "loglvl=all",
    "guest_loglvl=all",
    // Xen drops what it prints while this buffer (16 KiB by default) is full, as when its reader is late.
    "serial_tx_buffer=4M",
    // Xen halts where it would reboot; QEMU's -no-reboot covers the reboots asked for.
    "noreboot",
    // QEMU's memory is zero when it starts: clearing it again took up to 0.6 s of a 128 MiB domain's creation.
    "bootscrub=0",
    // A vCPU with no credit left may else be found by no pCPU, idle as they are: docs/upstream.md has why.
    "sched_credit2_migrate_resist=0",
    "dom0=pvh",
    // QEMU's pc machine has no IOMMU; without this word Xen insists on one for a PVH dom0.
    "dom0-iommu=none",
    `dom0_mem=${memoryMiB}M`,
    `dom0_max_vcpus=${options.vcpus ?? 1}`,
    ...(options.xenArgs ?? []),
  ];
  return [
    // Nothing of the host's own configuration, no network card, no option ROMs.
    ...["-no-user-config", "-nodefaults"],
    ...["-accel", "tcg", "-M", "pc"],
    // Debian's Xen has no shadow paging: a PVH domain needs SVM with nested paging.
    ...["-cpu", CPU_MODELS[options.cpu ?? "x86-64"]],
    ...["-m", String(ramMiB), "-smp", String(options.pcpus)],
    ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
    ...(options.icount === true ? ["-icount", "shift=0,sleep=off"] : []),
    ...(options.core === undefined && gdbPort === undefined ? [] : ramArgs(ramMiB)),
    ...(gdbPort === undefined ? [] : ["-gdb", `tcp:127.0.0.1:${gdbPort}`, "-S"]),
    ...["-kernel", options.xen],
    // A multiboot module. Xen drops the string's first word, the rest is the guest's command line.
    ...[
      "-initrd",
      [`${options.image} ${cmdline}`.trimEnd(), ...(options.modules ?? [])]
        .map(escapeCommas)
        .join(","),
    ],
    ...["-append", xenArgs.join(" ")],
    ...(options.job === undefined ? [] : jobArgs(options.job)),
    ...(options.qemuArgs ?? []),
  ];
}

/** The same, for a QEMU whose stub is spoken to by its MONITOR_FD. */
export function withOwnGdb(args: string[]): string[] {
  const at = args.indexOf("-gdb") + 1;
  return [
    ...["-chardev", `socket,id=gdb,fd=${MONITOR_FD}`],
    ...args.map((word, index) => (index === at ? "chardev:gdb" : word)),
  ];
}

export function jobArgs(file: string): string[] {
  return ["-fw_cfg", `name=${JOB_ITEM},file=${escapeCommas(file)}`];
}

/** What of those arguments a restored machine has: all but what it began with. */
const OF_THE_START = ["-kernel", "-initrd", "-append", "-fw_cfg"];

/**
 * Has a machine's memory in that file: to be saved with it (`write`), or as what it begins with, in which case its own changes do
 * not reach the file (`copy`).
 */
export function ramFileArgs(args: string[], file: string, how: "write" | "copy"): string[] {
  const size = `size=${args[args.indexOf("-m") + 1] ?? ""}M`;
  const share = `share=${how === "write" ? "on" : "off"}`;
  const backend = ["memory-backend-file", "id=ram", size, share, `mem-path=${escapeCommas(file)}`];
  return ["-object", backend.join(","), "-machine", "memory-backend=ram"];
}

/** Arguments of a machine that waits to be told where its state is (resume(), restore.ts); its memory is a copy of that file. */
export function restoredArgs(args: string[], job: string, ram: string): string[] {
  return [
    ...withoutStart(args),
    ...jobArgs(job),
    ...ramFileArgs(args, ram, "copy"),
    ...QMP_ARGS,
    ...["-incoming", "defer"],
  ];
}

export function withoutStart(args: string[]): string[] {
  return args.filter(
    (word, at) => !OF_THE_START.includes(word) && !OF_THE_START.includes(args[at - 1] ?? ""),
  );
}

/** A command as one line that a POSIX shell reads as the same words. */
export function quoteCommand(command: string, args: string[], env: NodeJS.ProcessEnv = {}): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoteWord(value ?? "")}`);
  return [...variables, ...[command, ...args].map(quoteWord)].join(" ");
}

/** util-linux, on every Debian: has the kernel kill a process when its parent dies. */
const SETPRIV = ["/usr/bin/setpriv", "/bin/setpriv"].find((file) => existsSync(file));

export interface MachineProcess {
  pid: number;
  /** Ends QEMU, at once: it has nothing to save. `ended` resolves when it has exited. */
  kill(): void;
  /** Stops it where it is: its memory no longer changes. kill() still ends it. */
  hold(): void;
  /** Types on the serial console. */
  type(bytes: Uint8Array): void;
  /** How QEMU ended; never rejects. */
  ended: Promise<{ status: string; stderr: string }>;
  /** What QEMU finds as its file descriptor MONITOR_FD, where that was asked for. */
  socket: Duplex | null;
}

/** What QEMU gets beside stdin, stdout and stderr: a socket for its monitor, and an open file. */
const MONITOR_FD = 3;
export const STATE_FD = 4;

/** Has QEMU speak its monitor protocol (qmp.ts) on the socket that it was given. */
export const QMP_ARGS = [
  ...["-chardev", `socket,id=qmp,fd=${MONITOR_FD}`],
  ...["-mon", "chardev=qmp,mode=control"],
];

const STDERR_KEPT = 4096;

/**
 * Starts QEMU. No way of ending this process leaves it behind: the kernel kills
 * it when its parent dies of anything (setpriv --pdeathsig; SIGKILL included).
 * That is also why the library needs no signal handlers. QEMU has a session of
 * its own, so that Ctrl-C on the terminal comes to us, and not to QEMU first.
 * Without setpriv, it is ended when this process exits by itself.
 *
 * `monitor`: a socket to talk to it, for QMP_ARGS. `state`: an open file to be its STATE_FD.
 *
 * Rejects with a UserError (122) if it cannot be started.
 */
export async function startMachine(
  qemu: Qemu,
  args: string[],
  onOutput: (bytes: Uint8Array) => void,
  { monitor = false, state }: { monitor?: boolean; state?: number | undefined } = {},
): Promise<MachineProcess> {
  const words = [qemu.command, ...qemu.args, ...args];
  const [file = "", ...rest] =
    SETPRIV === undefined ? words : [SETPRIV, "--pdeathsig", "KILL", ...words];
  const detached = SETPRIV !== undefined;
  const child = spawn(file, rest, {
    env: { ...process.env, ...qemu.env },
    detached,
    // Between Node and a child a "pipe" is a pair of sockets.
    stdio: [
      ...(["pipe", "pipe", "pipe"] as const),
      monitor ? "pipe" : "ignore",
      ...(state === undefined ? [] : [state]),
    ],
  });
  const failure = new Promise<Error>((resolve) => child.once("error", resolve));
  const { pid } = child;
  if (pid === undefined)
    throw new UserError(`QEMU (${qemu.command}) failed to start: ${(await failure).message}`, {
      exitCode: ExitCode.HOST,
      hint: "xenlet doctor",
    });
  const [stdin, stdout, errors, socket] = child.stdio as unknown as [
    Writable,
    Readable,
    Readable,
    Duplex | null,
  ];
  let stderr = "";
  stdout.on("data", onOutput);
  errors.on("data", (bytes: Uint8Array) => {
    stderr = (stderr + new TextDecoder().decode(bytes)).slice(-STDERR_KEPT);
  });
  // Input after its end is dropped.
  for (const stream of [stdin, socket]) stream?.on("error", () => undefined);
  const kill = (): void => {
    try {
      process.kill(detached ? -pid : pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  };
  if (!detached) process.once("exit", kill);
  return {
    pid,
    kill,
    hold() {
      process.kill(pid, "SIGSTOP");
    },
    type(bytes) {
      stdin.write(bytes);
    },
    ended: new Promise((resolve) => {
      child.once("close", (code, signal) => {
        process.removeListener("exit", kill);
        resolve({ status: signal ?? `exit code ${code ?? "unknown"}`, stderr });
      });
    }),
    socket,
  };
}
