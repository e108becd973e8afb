/** The conformance program's images, one for each way into Xen. */
import { toolstackImage } from "../../boot/toolstack-image.js";
import type { HypercallMode } from "../../build/link/toolchain.js";
import { provideQemu, type Qemu, type XenBinary } from "../../debian/index.js";
import type { BackendOptions, HypercallChoice } from "./backend.js";

const DIRECT: HypercallChoice = { modes: ["direct"], of: () => "direct" };

export interface Prepared {
  qemu: Qemu;
  /** The path of the image that a boot of `xen` runs. */
  imageFor: (xen: XenBinary) => string;
}

/** Gets QEMU and builds the images, once, when the result is called first. */
export function prepared(options: BackendOptions): () => Promise<Prepared> {
  let started: Promise<Prepared> | null = null;
  const start = async (): Promise<Prepared> => ({
    qemu: await provideQemu(options.progress, { signal: options.signal }),
    imageFor: await conformanceImages(options),
  });
  return () => (started ??= start());
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
