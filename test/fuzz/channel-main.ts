/**
 * make fuzz-channel: random arguments, environments, inputs and outputs through a guest, compared byte for byte.
 *
 *   --vectors N   how many (default 10 000)
 *   --batch N     how many to a boot (default 200)
 *   --seed S      the first boot's seed (default: the time)
 *   --jobs N      how many boots at a time (default: one for each CPU)
 *
 * Every fourth boot has its records by the debug port alone. Ends with a line `N vectors …`; exits with 1 if anything differed.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { buildImage } from "../../src/host/build/build.js";
import { bootGuest } from "../../src/host/boot/boot.js";
import { provideQemu, provideXen } from "../../src/host/debian/index.js";
import { createProgress } from "../../src/host/base/progress.js";
import { difference, much, runBatch } from "./channel.js";

const { values } = parseArgs({
  options: {
    vectors: { type: "string", default: "10000" },
    batch: { type: "string", default: "200" },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000)) },
    jobs: { type: "string", default: String(availableParallelism()) },
  },
});
const [vectors, size, first, jobs] = [values.vectors, values.batch, values.seed, values.jobs].map(
  Number,
) as [number, number, number, number];

const progress = createProgress();
const xen = await provideXen("4.17", progress);
const qemu = await provideQemu(progress);
const folder = await mkdtemp(join(tmpdir(), "xenlet-fuzz-channel-"));
const start = performance.now();
let [begun, done, failed] = [0, 0, 0];

/** A million characters in a line, and 100,000 lines. */
async function long(image: string, on: "domu" | "dom0"): Promise<void> {
  const parts: Buffer[] = [];
  const result = await bootGuest({
    ...{ on, image, xen, qemu, arguments: ["much", "100"], timeoutMs: 600_000 },
    onOutput: (bytes) => parts.push(Buffer.from(bytes)),
  });
  const wrong =
    difference(Buffer.concat(parts), much(100)) ??
    (result.verdict === "exit" ? null : result.message);
  if (wrong !== null) failed++;
  console.log(`a million characters in a line and 100,000 lines, as ${on}: ${wrong ?? "right"}`);
}

async function work(image: string): Promise<void> {
  while (begun < vectors) {
    const count = Math.min(size, vectors - begun);
    const seed = first + begun / size;
    begun += count;
    const wrong = await runBatch(seed, count, (given) =>
      bootGuest({
        ...given,
        on: "domu",
        image,
        modules: [image],
        xen,
        qemu,
        timeoutMs: 600_000,
        records: (seed - first) % 4 === 3 ? "port" : "ring",
      }),
    );
    done += count;
    if (wrong !== null) failed++;
    console.log(
      `${String(done)} of ${String(vectors)}: ${wrong ?? `seed ${String(seed)} is right`}`,
    );
  }
}

try {
  const image = join(folder, "channel.elf");
  await buildImage({ entry: "test/boot/guest/channel.ts", output: image });
  const printing = join(folder, "output.elf");
  await buildImage({ entry: "test/boot/guest/output.ts", output: printing });
  for (const on of ["domu", "dom0"] as const) await long(printing, on);
  await Promise.all(Array.from({ length: jobs }, () => work(image)));
  const minutes = ((performance.now() - start) / 60_000).toFixed(1);
  console.log(
    `${String(done)} vectors (seeds from ${String(first)} on), ${String(failed)} boots with a difference, ${minutes} min`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}
