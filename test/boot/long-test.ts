import { test } from "vitest";

import { inLongForm } from "../fixtures/extent.js";

/** A test of `make soak ONLY=boot`; in `make test` it is shown as skipped. */
export const longTest = test.runIf(inLongForm);
