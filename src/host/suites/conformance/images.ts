/** The conformance program's images, one for each way into Xen. */
import { hostname } from "node:os";
import { toolstackImage } from "../../boot/toolstack-image.js";
import type { HypercallMode } from "../../build/link/toolchain.js";
import { provideQemu, type Qemu, type XenBinary } from "../../debian/index.js";
import type { BackendOptions, HypercallChoice } from "./backend.js";
import type { Machine } from "../../report/matrix/model.js";

const DIRECT: HypercallChoice = { modes: ["direct"], of: () => "direct" };

export interface Prepared {
  qemu: Qemu;
  /** The path of the image that a boot of `xen` runs. */
  imageFor: (xen: XenBinary) => string;
}

export interface Prepare {
  (): Promise<Prepared>;
  /** Undefined until QEMU is there. */
  machine: () => Machine | undefined;
}

/** Gets QEMU and builds the images, once, when the result is called first. */
export function prepared(options: BackendOptions): Prepare {
  let started: Promise<Prepared> | null = null;
  let machine: Machine | undefined;
  const start = async (): Promise<Prepared> => {
    const qemu = await provideQemu(options.progress, { signal: options.signal });
    machine = { hostname: hostname(), qemu: qemu.version };
    return { qemu, imageFor: await conformanceImages(options) };
  };
  return Object.assign(() => (started ??= start()), { machine: () => machine });
}

async function conformanceImages(options: BackendOptions): Promise<(xen: XenBinary) => string> {
  const { progress, signal, hypercall = DIRECT } = options;
  const images = new Map<HypercallMode, string>();
  for (const mode of hypercall.modes)
    images.set(
      mode,
      await toolstackImage("conformance/main.ts", { progress, signal, hypercall: mode }),
    );
  return (xen) => images.get(hypercall.of(xen)) ?? "";
}
