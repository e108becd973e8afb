// What `doctor` says of the machine, a line each.

/** One thing that is needed, or useful. */
export interface Check {
  name: string;
  present: boolean;
  /** As it reports itself; null if it has none or was not found. */
  version: string | null;
  needed: "required" | "optional";
  /** The command that fixes it; null if there is nothing to fix. */
  fix: string | null;
  /** What it is for, or what was found: one sentence without a full stop. */
  detail: string;
}
