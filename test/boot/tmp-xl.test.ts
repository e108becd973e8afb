import { test } from "vitest";
import { build } from "./ground.js";
import { playScenes } from "./xl-stage.js";
import { SCENES } from "./xl-lifecycle.js";
import { writeFileSync } from "node:fs";
test("x", async () => {
  const names = (process.env["SC"] ?? "").split(",") as (keyof typeof SCENES)[];
  const rel = (process.env["REL"] ?? "4.17") as "4.17";
  const scenes = Object.fromEntries(names.map((n) => [n, SCENES[n]]));
  const t = performance.now();
  const stage = await playScenes(scenes, { release: rel, store: rel === "4.17" ? "oxenstored" : "xenstored", files: { image: await build("test/guests/xl.ts") }, domainsMiB: 128 });
  const out = names.map((n) => { const s = stage.scene(n); return { n, output: s.output, status: s.status, lives: s.lives.map((l) => l.map((r) => r.kind + ":" + r.payload)) }; });
  writeFileSync("/tmp/scenes.json", JSON.stringify({ out, trouble: stage.trouble, log: stage.log, ms: performance.now() - t }, null, 1));
}, 900_000);
