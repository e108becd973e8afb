// @xenlet vcpus=1
// A vCPU that the domain does not have cannot be started: Xen says so, and nothing waits for it.

import { VcpuStart } from "xenlet";
import { expect, test } from "xenlet/test";
import { ENOENT } from "xenlet/raw/errno";
import { vcpu_start } from "xenlet/raw/vcpu";

test("-ENOENT for a vCPU that the domain has not", () => {
  expect(vcpu_start(1, VcpuStart.HYPERCALL, 1)).toBe(-ENOENT);
});
