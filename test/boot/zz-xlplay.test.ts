import { test } from "vitest";
import { play } from "/work/main/test/boot/xl-lifecycle.js";
import { writeFileSync } from "node:fs";
test("play", async () => {
  const s = await play((process.env.REL ?? "4.17") as "4.17", (process.env.STORE ?? "oxenstored") as "oxenstored");
  const names = ["poweroff","reboot","crash","crash-preserve","watchdog","shutdown","xl-reboot","destroy","console","four-vcpus","unknown-reason","soft-reset-stock","soft-reset-destroy","preload-poweroff","preload-crash","preload-reboot","preload-unknown","store"] as const;
  writeFileSync(process.env.OUT ?? "/tmp/play.json", JSON.stringify({ t: s.trouble, log: s.log, r: Object.fromEntries(names.map((n) => { const x = s.scene(n); return [n, { status: x.status, output: x.output, lives: x.lives.map((l) => l.map((r) => r.kind + " " + r.payload)) }]; })) }, null, 1));
}, 1_200_000);
