// The shared_info page, a vCPU's vcpu_info in it or in a page of its own, and how Xen calls the guest for an event.

export { lapic_upcall_vector, take_upcall, upcall_vector } from "../internal/intrinsics";
export { needSharedInfo, sharedInfo, useVcpuInfo, vcpuInfo } from "../internal/events/shared-info";
export { useUpcallVector } from "../internal/events/upcall-vector";
export { registerVcpuInfo } from "../internal/events/vcpu-info";
