/** Where every command that builds or boots has to write: whether it can, before any work. Throws UserError (122). */
import { Cache } from "../cache/cache.js";
import { checkTemporaryPlace } from "../cache/temporary.js";

export async function checkPlaces(): Promise<void> {
  await new Cache().checkPlace();
  await checkTemporaryPlace();
}
