// Secondary vCPUs without the order that Vcpu keeps: Xen's own answers to a start, and INIT at any time.

export { vcpu_reset, vcpu_start } from "../internal/intrinsics";
