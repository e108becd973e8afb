/** Runs before each test file, in its process: when all of the file's tests are done, it writes down what they took. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, expect } from "vitest";
import { COSTS_FOLDER, cpuSecondsSinceLast, type FileCost } from "./cost.js";

const folder = process.env[COSTS_FOLDER];
if (folder !== undefined)
  afterAll(async () => {
    const cost: FileCost = { file: expect.getState().testPath ?? "", cpuS: cpuSecondsSinceLast() };
    await writeFile(path.join(folder, `${randomUUID()}.json`), JSON.stringify(cost));
  });
