/** The one place that knows how checks are really run. */
import { UserError } from "../errors.js";
import { ExitCode } from "../exit-codes.js";
import type { Progress } from "../progress.js";
import type { ConformanceBackend } from "./backend.js";
import type { Way } from "./model.js";

export interface BackendOptions {
  on: Way;
  progress: Progress;
  signal: AbortSignal;
}

export function createBackend(_options: BackendOptions): Promise<ConformanceBackend> {
  return Promise.reject(
    new UserError("the conformance checks are not connected yet", { exitCode: ExitCode.HOST }),
  );
}
