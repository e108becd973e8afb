import { build, boot } from "/work/main/test/boot/ground.js";
import { test } from "vitest";
test("run", async () => {
  for (const file of (process.env.F ?? "").split(",")) {
    const image = await build("/work/main/" + file);
    const r = await boot(image, { cmdline: process.env.C ?? "on=dom0", vcpus: Number(process.env.V ?? 1), timeoutMs: Number(process.env.T ?? 30000), xenArgs: (process.env.X ?? "").split(" ").filter(Boolean) });
    for (const x of r.records) if (["test","abort","trap","fatal","log","error","measure"].includes(x.kind)) { if (!/event=pass/.test(x.payload)) console.log(x.kind, x.payload.replace(/file=\S+ /, "")); }
    console.log(file, r.verdict, r.guestCode, r.message, r.durationMs, r.ended, r.tail.slice(-4).join("\n"));
  }
});
