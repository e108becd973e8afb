/** The machine that Xen runs on: QEMU's command line, and QEMU's process. */
import { existsSync } from "node:fs";
import { execa } from "execa";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { quoteWord } from "../base/shell.js";
import type { Qemu } from "../debian/index.js";

export interface MachineOptions {
  /** The hypervisor's file, not compressed. */
  xen: string;
  /** What Xen boots as dom0: the guest's file, or the toolstack's; no white space in its path (see linkImage). */
  image: string;
  /** For an image without a run block: the first word of its command line. */
  nonce?: string;
  /** Of the guest, in MiB. */
  memoryMiB: number;
  /** dom0's; the machine has as many CPUs. With domUMiB dom0 has one, and they are for the others. */
  vcpus: number;
  /** Its command line. */
  cmdline?: string;
  /** Files that dom0 gets as its modules. */
  modules?: string[];
  /** Memory for domains beside dom0, in MiB. */
  domUMiB?: number;
  /** Listen for gdb on this port of localhost, and let nothing run before it says so. */
  gdbPort?: number;
  /** One instruction, one nanosecond: docs/performance.md. */
  icount?: boolean;
  /** More words of Xen's own command line. */
  xenArgs?: string[];
  /** More of QEMU's. They come last, and QEMU takes the last of most options. */
  qemuArgs?: string[];
}

/** Xen cuts off the rest: MAX_GUEST_CMDLINE, xen/include/public/xen.h, less the NUL. */
const MAX_CMDLINE = 1023;

/** What a guest's memory may be. Xen builds a domain of 4 MiB, but an image and its stacks need room. */
export const MIN_MEMORY_MIB = 8;
/** QEMU's pc machine has 40 bits of physical addresses under TCG: far above this. */
export const MAX_MEMORY_MIB = 65_536;
/** HVM_MAX_VCPUS: xen/include/public/hvm/hvm_info_table.h. */
export const MAX_VCPUS = 128;
export const DEFAULT_MEMORY_MIB = 128;
/** What our toolstack builds an MADT for (src/guest/toolstack/acpi.ts). */
export const MAX_DOMU_VCPUS = 64;
/** The toolstack's own memory as dom0, beside the modules. */
export const TOOLSTACK_MIB = 24;

/** What a domain of ours takes beside its memory, in MiB: nested page tables, special pages and slack, what Xen keeps of it. */
export function domainOverheadMiB(memoryMiB: number, vcpus: number): number {
  return Math.ceil((memoryMiB * 8) / 1024) + vcpus + 8;
}

/** What Xen gets beside the guest's memory, in MiB: its own (it boots with 32), nested page tables. */
function overheadMiB(memoryMiB: number): number {
  return 128 + Math.ceil(memoryMiB / 64);
}

/** QEMU takes a comma as a separator and two as one. */
function escapeCommas(text: string): string {
  return text.replaceAll(",", ",,");
}

/** QEMU's arguments for one boot. Throws a UserError for what cannot be said on a command line. */
export function machineArgs(options: MachineOptions): string[] {
  const { memoryMiB, vcpus, gdbPort } = options;
  if ([options.image, ...(options.modules ?? [])].some((file) => /\s/.test(file)))
    throw new UserError(
      `the image's path has white space, which QEMU cannot pass on: ${options.image}`,
    );
  const totalMiB = memoryMiB + (options.domUMiB ?? 0);
  const nonce = options.nonce === undefined ? "" : `nonce=${options.nonce} `;
  const cmdline = nonce + (options.cmdline ?? "");
  if (!/^[ -~]*$/.test(cmdline))
    throw new UserError("the guest's command line may have printable ASCII characters only");
  if (cmdline.length > MAX_CMDLINE)
    throw new UserError(
      `the command line has ${cmdline.length} bytes, with what stands before the guest's own; Xen passes on ${MAX_CMDLINE} at most`,
    );

  const xenArgs = [
    "com1=115200,8n1",
    "console=com1",
    // The guest's debug port is at level debug, which a release build leaves out by default.
    "loglvl=all",
    "guest_loglvl=all",
    // Xen drops what it prints while this buffer (16 KiB by default) is full, as when nobody reads for a moment.
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
    `dom0_max_vcpus=${options.domUMiB === undefined ? vcpus : 1}`,
    ...(options.xenArgs ?? []),
  ];
  return [
    // Nothing of the host's own configuration, no network card, no option ROMs.
    ...["-no-user-config", "-nodefaults"],
    ...["-accel", "tcg", "-M", "pc"],
    // Debian's Xen has no shadow paging: a PVH domain needs SVM with nested paging.
    ...["-cpu", "qemu64,+svm,+npt"],
    ...["-m", String(totalMiB + overheadMiB(totalMiB)), "-smp", String(vcpus)],
    ...["-display", "none", "-monitor", "none", "-serial", "stdio", "-no-reboot"],
    ...(options.icount === true ? ["-icount", "shift=0,sleep=off"] : []),
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
    ...(options.qemuArgs ?? []),
  ];
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
  /** Ends QEMU, at once: it has nothing to save. `ended` resolves when it is gone. */
  kill(): void;
  /** Types on the serial console. */
  type(bytes: Uint8Array): void;
  /** How QEMU ended; never rejects. */
  ended: Promise<{ status: string; stderr: string }>;
}

const STDERR_KEPT = 4096;

/**
 * Starts QEMU. No way of ending this process leaves it behind: the kernel kills
 * it when its parent dies of anything (setpriv --pdeathsig; SIGKILL included).
 * That is also why the library needs no signal handlers. QEMU has a session of
 * its own, so that Ctrl-C on the terminal comes to us, and not to QEMU first.
 * Where there is no setpriv, execa ends it on exit, SIGINT, SIGTERM and SIGHUP.
 *
 * Rejects with a UserError (122) if it cannot be started.
 */
export async function startMachine(
  qemu: Qemu,
  args: string[],
  onOutput: (bytes: Uint8Array) => void,
): Promise<MachineProcess> {
  const words = [qemu.command, ...qemu.args, ...args];
  const [file = "", ...rest] =
    SETPRIV === undefined ? words : [SETPRIV, "--pdeathsig", "KILL", ...words];
  const detached = SETPRIV !== undefined;
  const child = execa(file, rest, {
    env: qemu.env,
    detached,
    cleanup: !detached,
    stdin: "pipe",
    buffer: false,
    encoding: "buffer",
    reject: false,
  });
  let stderr = "";
  child.stdout.on("data", onOutput);
  child.stderr.on("data", (bytes: Uint8Array) => {
    stderr = (stderr + new TextDecoder().decode(bytes)).slice(-STDERR_KEPT);
  });
  const { pid } = child;
  if (pid === undefined) {
    const reason = (await child).message ?? "it did not start";
    throw new UserError(`QEMU (${qemu.command}) cannot be started: ${reason}`, {
      exitCode: ExitCode.HOST,
      hint: "xenlet doctor",
    });
  }
  return {
    pid,
    kill() {
      try {
        process.kill(detached ? -pid : pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
    },
    type(bytes) {
      child.stdin.write(bytes);
    },
    ended: child.then(({ exitCode, signal }) => ({
      status: signal ?? `exit code ${exitCode ?? "unknown"}`,
      stderr,
    })),
  };
}
