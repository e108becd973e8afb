// The program of a thread that compiles: one job after the other.

import { parentPort } from "node:worker_threads";

import { compileJob } from "./compile-job.js";
import type { Job } from "./job.js";

parentPort?.on("message", (job: Job) => {
  void compileJob(job).then((outcome) => parentPort?.postMessage(outcome));
});
