/** What a boot needs before QEMU starts: its arguments, and the files that it has to find. */
import { stat } from "node:fs/promises";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { checkReplaceable } from "../base/pending-files.js";
import { readElf } from "../elf/elf.js";
import { validatePvhImage } from "../elf/pvh.js";
import { newNonce } from "../protocol/record.js";
import type { BootOptions, BootPlan, Sized } from "./options.js";
import { MAX_BUNDLED, writeBundle } from "./bundle.js";
import { imagePathForQemu } from "./image-link.js";
import { writeJob, type Job } from "./job.js";
import { ownFile, type OwnFile } from "./own-file.js";
import {
  DEFAULT_MEMORY_MIB,
  MAX_DOMU_VCPUS,
  MAX_MEMORY_MIB,
  MAX_PCPUS,
  MAX_VCPUS,
  MIN_MEMORY_MIB,
  TOOLSTACK_MIB,
  checkCommandLine,
  defaultPcpus,
  domainOverheadMiB,
  hasSavedSize,
  machineArgs,
} from "./qemu.js";
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from "./stages.js";
import { writeRunImage } from "./run-image.js";
import { toolstackImage } from "./toolstack-image.js";
import { planXl } from "./xl-plan.js";
import { given } from "../base/given.js";

/**
 * Everything checked that can be before QEMU starts. Throws a UserError for options or an image that cannot work. `keep`:
 * where the run's copy of the image and what else QEMU is to find go, to stay; else dispose() removes them.
 */
export async function prepareBoot(options: BootOptions, keep?: string): Promise<BootPlan> {
  const sized = checkBootOptions(options);
  const { memoryMiB } = sized;
  if (options.core !== undefined) await checkCoreFile(options.core);
  const modulesMiB = await totalMiB(options.modules ?? []);
  if (options.force !== true) await checkImage(options, memoryMiB, modulesMiB);
  if (options.boot === "restored") refuseRestored(options);
  switch (options.on ?? "domu") {
    case "dom0":
      return planDom0(options, sized, keep);
    case "domu":
      return planDomU(options, sized, keep);
    case "xl":
    case "xl-hvm": {
      const allMiB = await totalMiB([options.image, ...(options.modules ?? [])]);
      const type = options.on === "xl" ? "pvh" : "hvm";
      return planXl(type, options, sized, [newNonce(), newNonce()], allMiB);
    }
  }
}

/** What can be checked before there is an image, or a Xen. Throws a UserError for options that can work with none. */
export function checkBootOptions(options: Omit<BootOptions, "image" | "xen" | "qemu">): Sized {
  const memoryMiB = options.memoryMiB ?? DEFAULT_MEMORY_MIB;
  const vcpus = options.vcpus ?? 1;
  const most = options.on === "dom0" ? MAX_VCPUS : MAX_DOMU_VCPUS;
  checkRange("the guest's memory in MiB", memoryMiB, MIN_MEMORY_MIB, MAX_MEMORY_MIB);
  checkRange("the number of vCPUs", vcpus, 1, most);
  // One instruction a nanosecond is one CPU's.
  const pcpus = options.pcpus ?? (options.icount === true ? 1 : defaultPcpus(vcpus));
  checkRange("the number of the machine's CPUs", pcpus, 1, MAX_PCPUS);
  checkRange("the timeout in ms", options.timeoutMs ?? DEFAULT_TIMEOUT_MS, 1, MAX_TIMEOUT_MS);
  if (options.gdbPort !== undefined) checkRange("gdb's port", options.gdbPort, 1, 65_535);
  // Xen takes a byte's high bit for its own: serial_rx, xen/drivers/char/serial.c.
  if (/[^\0-\x7f]/.test(options.typed ?? ""))
    throw new UserError("typed input must be ASCII: Xen's console passes on only 7 bits");
  if (options.on === "dom0" && options.onSoftReset !== undefined)
    throw new UserError("Xen does not soft-reset its dom0: expected --on domu or --on xl");
  if (options.core !== undefined && (options.on ?? "domu").startsWith("xl"))
    throw new UserError(`a core cannot be written on ${options.on ?? ""}: expected domu or dom0`, {
      hint: "--on domu",
    });
  return { memoryMiB, vcpus, pcpus };
}

/** Throws a UserError (122) if no core can be written there. Changes nothing. */
export async function checkCoreFile(file: string): Promise<void> {
  try {
    await checkReplaceable(file, "regular");
  } catch (cause) {
    throw new UserError(`cannot write the core to ${file}: ${(cause as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause,
    });
  }
}

/** Where a domain's RAM below 4 GiB ends at the latest: src/guest/toolstack/memory-map.ts, as libxl has it. */
const LOW_RAM_END = 0xf0000000n;
const PAGE = 4096n;

/** What Xen or the toolstack would refuse, refused here, in one sentence. */
async function checkImage(
  { image, on = "domu", modules = [] }: BootOptions,
  memoryMiB: number,
  modulesMiB: number,
): Promise<void> {
  const { end, dom0Only } = validatePvhImage(await readElf(image));
  if (dom0Only && on !== "dom0")
    throw new UserError(
      `${image} asks for domain 0 (its note XEN_ELFNOTE_FEATURES has "!dom0"), and a toolstack cannot create it as another one`,
      { hint: "--on dom0" },
    );
  const ram = BigInt(memoryMiB) << 20n;
  const low = ram < LOW_RAM_END ? ram : LOW_RAM_END;
  // Behind the image come start_info and the modules, each from a page's start on.
  const needed = end + 2n * PAGE + (BigInt(modulesMiB) << 20n) + BigInt(modules.length) * PAGE;
  if (needed <= low) return;
  const neededMiB = Number((needed + 0xfffffn) >> 20n);
  throw new UserError(
    `${image} and its run block, modules and start_info need the first ${neededMiB} MiB of a guest that has ${memoryMiB}`,
    neededMiB <= Number(LOW_RAM_END >> 20n) ? { hint: `--mem ${neededMiB}` } : {},
  );
}

/** Why such a boot starts from the beginning, in words that complete "with …"; null if it may continue from a saved state. */
function whyCold(options: BootOptions): string | null {
  const { on = "domu" } = options;
  if (on === "dom0" && options.job === undefined) return "the guest as dom0";
  if (on.startsWith("xl")) return "xl";
  if (options.gdbPort !== undefined) return "gdb";
  if (options.core !== undefined) return "a core";
  if (options.icount === true) return "instructions counted";
  if ((options.qemuArgs ?? []).length > 0) return "additional QEMU arguments";
  if ((options.xenArgs ?? []).length > 0) return "additional Xen options";
  return null;
}

function refuseRestored(options: BootOptions): void {
  const why = whyCold(options);
  if (why !== null)
    throw new UserError(
      `with ${why} a boot starts from the beginning: use --boot cold, or leave one of them out`,
    );
}

async function planDom0(options: BootOptions, sized: Sized, keep?: string): Promise<BootPlan> {
  const { job, ...rest } = options;
  const nonce = newNonce();
  if (job !== undefined) return planToolstack(rest, job, sized, nonce, keep);
  const image = await writeRunImage(options, "dom0", nonce, keep);
  const module = await orDispose(oneModule(options.modules ?? []), image);
  const args = machineArgs({
    ...rest,
    ...sized,
    xen: options.xen.path,
    image: await imagePathForQemu(image.path),
    modules: module.files,
    cmdline: image.cmdline,
  });
  return {
    nonce,
    toolstackNonce: null,
    toolstackImage: null,
    args,
    job: null,
    ...disposing(image, module),
  };
}

/** A toolstack as the guest: it is loaded as it is, since what it is given comes with its job. */
async function planToolstack(
  options: Omit<BootOptions, "job">,
  { words, files }: Job,
  sized: Sized,
  nonce: string,
  keep?: string,
): Promise<BootPlan> {
  const { path: job, ...made } = await jobFile({ words: `nonce=${nonce} ${words}`, files }, keep);
  const args = machineArgs({
    ...options,
    ...sized,
    xen: options.xen.path,
    image: await imagePathForQemu(options.image),
    cmdline: "",
    modules: [],
    job,
  });
  return {
    nonce,
    toolstackNonce: null,
    toolstackImage: null,
    args,
    job: savedJob({ ...options, job: { words, files } }, args, job),
    ...made,
  };
}

async function planDomU(options: BootOptions, sized: Sized, keep?: string): Promise<BootPlan> {
  const { memoryMiB, vcpus, pcpus } = sized;
  const nonce = newNonce();
  const toolstackNonce = newNonce();
  const { progress, signal } = options;
  const toolstack = await toolstackImage("toolstack/main.ts", {
    ...given({ progress, signal }),
  });
  // As much as any other way of running it takes, so that a guest can be moved between them.
  checkCommandLine(options.cmdline ?? "");
  const guest = await writeRunImage(options, "domu", nonce, keep);
  const words = [
    `nonce=${toolstackNonce}`,
    `memory=${memoryMiB}`,
    `vcpus=${vcpus}`,
    `on_soft_reset=${options.onSoftReset ?? "soft-reset"}`,
    options.tellState === true ? "state=1" : "",
    options.core === undefined ? "" : "hold=1",
    guest.cmdline.trim() === "" ? "" : `-- ${guest.cmdline}`,
  ];
  const { path: job, ...made } = await orDispose(
    jobFile(
      {
        words: words.filter(Boolean).join(" "),
        files: [guest.path, ...(options.modules ?? [])],
      },
      keep,
    ),
    guest,
  );
  const args = machineArgs({
    ...options,
    pcpus,
    xen: options.xen.path,
    image: await imagePathForQemu(toolstack),
    modules: [],
    memoryMiB: TOOLSTACK_MIB,
    domUMiB: memoryMiB + domainOverheadMiB(memoryMiB, vcpus),
    vcpus: 1,
    cmdline: "",
    job,
  });
  return {
    nonce,
    toolstackNonce,
    toolstackImage: toolstack,
    args,
    job: savedJob(options, args, job),
    ...disposing(guest, made),
  };
}

interface Disposable {
  dispose: () => Promise<void>;
}

function disposing(...all: Disposable[]): Disposable {
  return {
    dispose: async () => {
      for (const one of all) await one.dispose();
    },
  };
}

/** What fails takes with it what was made before. */
async function orDispose<T>(work: Promise<T>, before: Disposable): Promise<T> {
  try {
    return await work;
  } catch (error) {
    await before.dispose();
    throw error;
  }
}

/** The job, if its machine may continue from a saved state. */
function savedJob(options: BootOptions, args: string[], job: string): string | null {
  const cold = options.boot === "cold" || whyCold(options) !== null || !hasSavedSize(args);
  return cold ? null : job;
}

function jobFile(job: Job, keep?: string): Promise<OwnFile> {
  return ownFile("job", (file) => writeJob(job, file), "cannot write the toolstack's job", keep);
}

interface Module {
  /** None or one. */
  files: string[];
  dispose: () => Promise<void>;
}

/** Xen hands on one module to a PVH dom0: several files go into one. */
async function oneModule(files: string[]): Promise<Module> {
  const [only] = files;
  const none = (): Promise<void> => Promise.resolve();
  if (files.length <= 1)
    return { files: only === undefined ? [] : [await imagePathForQemu(only)], dispose: none };
  if (files.length > MAX_BUNDLED)
    throw new UserError(`there are ${files.length} modules, at most ${MAX_BUNDLED}`);
  const { path: bundle, dispose } = await ownFile(
    "modules",
    (file) => writeBundle(files, file),
    "cannot bundle the modules",
  );
  return { files: [await imagePathForQemu(bundle)], dispose };
}

async function totalMiB(files: string[]): Promise<number> {
  let bytes = 0;
  for (const file of files) {
    try {
      bytes += (await stat(file)).size;
    } catch (cause) {
      throw new UserError(`cannot read ${file}: ${(cause as Error).message}`, { cause });
    }
  }
  return Math.ceil(bytes / 2 ** 20);
}

function checkRange(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UserError(`${what} is ${value}, expected a whole number of ${least}..${most}`);
}
