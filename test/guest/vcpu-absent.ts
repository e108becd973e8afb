// @xenlet vcpus=1
// A vCPU that the domain has not cannot be started: Xen says so, and nothing waits for it.

import { ENOENT } from "xenlet/raw/errno";
import { VcpuStart } from "xenlet";
import { vcpu_start } from "xenlet/raw/intrinsics";
import { expect, test } from "xenlet/test";

test("-ENOENT for a vCPU that the domain has not", () => {
  expect(vcpu_start(1, VcpuStart.HYPERCALL, 1)).toBe(-ENOENT);
});
