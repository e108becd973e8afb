// What `doctor` says of the machine, a line each.

/** One thing that is needed, or useful. */
export interface Check {
  name: string;
  present: boolean;
  /** As it says itself; null where it has none or is not there. */
  version: string | null;
  needed: "required" | "optional";
  /** The command that mends it; null when nothing is to be mended. */
  mend: string | null;
  /** What it is for, or what was found: one sentence without a full stop. */
  detail: string;
}
