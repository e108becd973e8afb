/**
 * make wast: runs scripts of the specification's kind (.wast) in guests on Xen, and says of each assertion whether it holds.
 *
 *   FILE…        scripts; default: test/wast/chapters
 *   --flags F    more flags for the modules' C
 *   --cpu L      x86-64 (default) or x86-64-v2
 *   --skipped    say what was skipped, and why
 *
 * Ends with a line `N assertions hold, …`; exits with 1 if one does not.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { CPU_LEVELS } from "../../src/host/base/cpu-level.js";
import { packageRoot } from "../../src/host/base/package-root.js";
import { runScripts } from "./run.js";

const { values, positionals } = parseArgs({
  options: {
    cpu: { type: "string", default: "x86-64" },
    flags: { type: "string", default: "" },
    skipped: { type: "boolean", default: false },
  },
  allowPositionals: true,
});

const cpu = CPU_LEVELS.find((level) => level === values.cpu);
if (cpu === undefined) throw new Error(`no such CPU: expected ${CPU_LEVELS.join(" or ")}`);
const chapters = join(packageRoot, "test", "wast", "chapters");
const files =
  positionals.length > 0 ? positionals : readdirSync(chapters).map((name) => join(chapters, name));
const results = await runScripts(files, {
  cpu,
  flags: values.flags.split(" ").filter((flag) => flag !== ""),
  onStage: (stage) => {
    console.error(stage);
  },
});
let [right, wrong, skipped] = [0, 0, 0];
for (const { name, ...result } of results) {
  right += result.right;
  wrong += result.wrong.length;
  skipped += result.skipped.length;
  console.log(
    `${name}: ${result.right} hold, ${result.wrong.length} do not, ${result.skipped.length} skipped`,
  );
  for (const { line, why } of result.wrong) console.log(`  ${name}:${line}: ${why}`);
  if (values.skipped)
    for (const { line, why } of result.skipped) console.log(`  ${name}:${line}: skipped: ${why}`);
}
console.log(`${right} assertions hold, ${wrong} do not, ${skipped} skipped`);
process.exitCode = wrong > 0 ? 1 : 0;
