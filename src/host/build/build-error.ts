// A build that cannot succeed, in the words of the tool that refused it.

import { UserError } from "../base/errors.js";

/** The compiler's or linker's own diagnostics, complete, or a sentence of xenlet's. Ends `xenlet` with 124. */
export class BuildError extends UserError {
  override readonly name = "BuildError";

  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: 124 });
  }
}
