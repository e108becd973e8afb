/** A result in one character, on a terminal. */
import type { Outcome } from "./model.js";

export const MARKS: Readonly<Record<Outcome, string>> = {
  passed: "✓",
  failed: "✗",
  error: "✗",
  skipped: "-",
  todo: "…",
};
