/** What is known to differ, and what cannot be shown, on one way to run. */
import { EXPECTATIONS, type Expectations } from "./expectations.js";
import type { Way } from "../../report/matrix/model.js";
import type { PlannedCheck } from "./planned-check.js";

/** `plan`: all checks that there are. Under xl those are skipped that say so where they are declared. */
export function expectationsOn(on: Way, plan: readonly PlannedCheck[]): Expectations {
  if (on === "domu") return EXPECTATIONS;
  const { exemptions } = EXPECTATIONS;
  const underXl = plan.flatMap(({ name: check, notUnderXl: reason }) =>
    reason === null
      ? []
      : {
          check,
          phase: "check" as const,
          on: ["xl", "xl-hvm"] as const,
          from: null,
          before: null,
          reason,
          source: "docs/xl.md",
        },
  );
  return { ...EXPECTATIONS, exemptions: [...exemptions, ...underXl] };
}
