/** Runs before each test file, in its process: when all of the file's tests are done, it writes down what they took. */
import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, expect } from "vitest";
import { COSTS_FOLDER, cpuSeconds, type FileCost } from "./cost.js";

const folder = process.env[COSTS_FOLDER];
if (folder !== undefined)
  afterAll(async () => {
    // A file has a process of its own, so that this process's time is the file's, with what it imported and started.
    const cost: FileCost = { file: expect.getState().testPath ?? "", cpuS: cpuSeconds() };
    await writeFile(path.join(folder, `${randomUUID()}.json`), JSON.stringify(cost));
  });
