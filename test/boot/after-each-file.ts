/** Runs before each test file, unlike setup.ts, which is loaded once in a process: what the file built goes with it. */
import { afterAll } from "vitest";
import { removeTestFolder } from "./folder.js";

afterAll(removeTestFolder);
