// A boot of a guest under stock xl, before QEMU starts: Xen, Debian's Linux as a PV dom0, and in its initramfs the
// guest's image and xl.cfg.

import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { createProgress } from "../base/progress.js";
import type { BootOptions, BootPlan, Sized } from "./options.js";
import { XEN_RELEASES, isXenRelease, type XenRelease } from "../debian/index.js";
import { domainOverheadMiB, machineArgs } from "./qemu.js";
import { runImage } from "./run-image.js";
import { dom0Program, writeInitrd, RUN_FOLDER, type Initrd } from "../xl/boot-files.js";
import { provideDom0, type Dom0Image } from "../xl/dom0-image.js";
import { Dom0Lines } from "../xl/dom0-lines.js";
import { xlConfig } from "../xl/xl-config.js";
import { given } from "../base/given.js";

/** dom0's own memory beside what its initramfs takes: Linux, the daemons, xl, and files: half of it may be files. */
const DOM0_MIB = 320;
/** What Xen holds of dom0's kernel until dom0 runs: the file and where it is unpacked to. */
const KERNEL_MIB = 80;

/** The options that both ways into dom0 (one guest, or a script of a test) have. */
export interface Dom0Machine extends Pick<
  BootOptions,
  "xen" | "cpu" | "icount" | "gdbPort" | "qemuArgs" | "xenArgs"
> {
  dom0: Dom0Image;
  initrd: Initrd;
  /** MiB of files in the initrd beside the dom0's own. */
  filesMiB: number;
  nonce: string;
  /** Memory for all domains that there are at one time, in MiB. */
  domainsMiB: number;
  /** The machine's CPUs; dom0 has one. */
  pcpus: number;
}

export function dom0Args(machine: Dom0Machine): string[] {
  const { dom0, initrd, filesMiB } = machine;
  const archive = dom0.sizeMiB + filesMiB;
  return machineArgs({
    ...machine,
    xen: machine.xen.path,
    image: dom0.kernel,
    modules: [initrd.path],
    // The archive, and the files unpacked from it, which may take half of what Linux has besides.
    memoryMiB: DOM0_MIB + 3 * archive,
    domUMiB: machine.domainsMiB + KERNEL_MIB + 2 * archive,
    vcpus: 1,
    cmdline: "console=hvc0 quiet",
    // The last one holds: Debian's Linux is a PV dom0, as on its users' machines.
    xenArgs: ["dom0=pv", ...(machine.xenArgs ?? [])],
  });
}

/** The release whose dom0 goes with a hypervisor. Throws a UserError where Debian has none. */
export function releaseWithDom0(xen: BootOptions["xen"]): XenRelease {
  if (isXenRelease(xen.release)) return xen.release;
  throw new UserError(
    `there is no xl for Xen ${xen.release}: its toolstack must be of the same release, and Debian has ${XEN_RELEASES.join(", ")}`,
    { hint: "--xen 4.17" },
  );
}

/** Everything for one guest under xl. */
export async function planXl(
  type: "pvh" | "hvm",
  options: BootOptions,
  { memoryMiB, vcpus, pcpus }: Sized,
  [nonce, toolstackNonce]: [string, string],
  filesMiB: number,
): Promise<BootPlan> {
  const release = releaseWithDom0(options.xen);
  if (options.onSoftReset === "resume")
    throw new UserError(
      "xl cannot resume a domain that requested a soft reset: expected soft-reset or destroy",
    );
  if (options.typed !== undefined)
    throw new UserError("under xl, a guest cannot receive typed input: use another --on");
  const [module, ...rest] = options.modules ?? [];
  if (rest.length > 0)
    throw new UserError(`xl gives a domain at most one module; there are ${rest.length + 1}`);
  const { progress, signal } = options;
  const dom0 = await provideDom0(
    release,
    progress ?? createProgress(process.stderr, { quiet: true }),
    { deviceModel: type === "hvm", ...given({ signal }) },
  );
  const { bytes, cmdline } = await runImage(options, type === "hvm" ? "xl-hvm" : "xl", nonce);
  const config = xlConfig({
    name: "guest",
    type,
    image: `/${RUN_FOLDER}/image`,
    memoryMiB,
    vcpus,
    cmdline,
    ...(type === "hvm" || module === undefined ? {} : { ramdisk: `/${RUN_FOLDER}/module` }),
    actions: { soft_reset: options.onSoftReset ?? "soft-reset" },
  });
  const initrd = await prepared(dom0, {
    nonce: toolstackNonce,
    store: "oxenstored",
    main: await dom0Program("guest"),
    files: {
      "guest.cfg": Buffer.from(config),
      image: bytes ?? options.image,
      // In a domain of type hvm the image brings its module.
      ...(type === "hvm" || module === undefined ? {} : { module }),
    },
  });
  const lines = new Dom0Lines(toolstackNonce);
  return {
    nonce,
    toolstackNonce,
    toolstackImage: null,
    args: dom0Args({
      ...options,
      dom0,
      initrd,
      filesMiB,
      nonce: toolstackNonce,
      domainsMiB: memoryMiB + domainOverheadMiB(memoryMiB, vcpus),
      pcpus,
    }),
    job: null,
    read: (line) => lines.read(line),
    dispose: () => initrd.dispose(),
  };
}

async function prepared(
  ...[dom0, files]: [Dom0Image, Parameters<typeof writeInitrd>[1]]
): Promise<Initrd> {
  try {
    return await writeInitrd(dom0.initramfs, files);
  } catch (error) {
    throw new UserError(`cannot assemble dom0's files: ${(error as Error).message}`, {
      exitCode: ExitCode.HOST,
      cause: error,
    });
  }
}
