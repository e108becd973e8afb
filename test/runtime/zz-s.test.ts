import { readdirSync } from "node:fs";
import { test } from "vitest";
import { compileGuest } from "../../src/image/compile.js";
import { FakeScheduler } from "./fake-scheduler.js";
import { prepareGuest } from "./load.js";
test("x", async () => {
  for (const f of readdirSync("test/guest").filter((f) => f.startsWith("sched-") && (!process.env.F || f.includes(process.env.F)))) {
    const start = await prepareGuest(`test/guest/${f}`);
    const xen = new FakeScheduler();
    try { const g = start(xen); console.log(f, g.reason); } catch (e) { console.log(f, String((e as Error).stack).slice(0,500)); }
    console.log(xen.records.filter(r => !/event=(pass|repeat|group|ungroup)/.test(r.text) && !/failures=0/.test(r.text)).map(r => r.kind + " " + r.text).filter((t,i,a)=>!/event=start/.test(t) || /fail/.test(a[i+1] ?? "") || i === a.length-1).join("\n"));
  }
});
