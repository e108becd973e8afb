// A build that cannot succeed, in the words of whoever refused it.

import { UserError } from "../base/errors.js";

/** The compiler's or linker's own diagnostics, whole, or a sentence of ours. Ends `xenlet` with 124. */
export class BuildError extends UserError {
  override readonly name = "BuildError";

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: 124 });
  }
}
