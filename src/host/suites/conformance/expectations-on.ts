/** What is known to differ, and what cannot be shown, on one way to run. */
import { EXPECTATIONS, type Expectations } from "./expectations.js";
import type { Way } from "./model.js";
import { XL_EXEMPTIONS } from "./xl-exemptions.js";

export function expectationsOn(on: Way): Expectations {
  if (on === "domu") return EXPECTATIONS;
  const { differences, exemptions } = EXPECTATIONS;
  return { differences, exemptions: [...exemptions, ...XL_EXEMPTIONS] };
}
