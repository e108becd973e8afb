import { UserError } from "../base/errors.js";

/** A file that is no ELF image, or a malformed one. The message names the file and the first defect. */
export class ElfError extends UserError {
  override readonly name = "ElfError";
}
