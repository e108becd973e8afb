// xen/include/public/xen.h, Xen 4.17: hypercall numbers, domain ids, VIRQs, and the layout of shared_info.

export const __HYPERVISOR_memory_op: u32 = 12;
export const __HYPERVISOR_multicall: u32 = 13;
export const __HYPERVISOR_xen_version: u32 = 17;
export const __HYPERVISOR_console_io: u32 = 18;
export const __HYPERVISOR_grant_table_op: u32 = 20;
export const __HYPERVISOR_vm_assist: u32 = 21;
export const __HYPERVISOR_vcpu_op: u32 = 24;
export const __HYPERVISOR_sched_op: u32 = 29;
export const __HYPERVISOR_event_channel_op: u32 = 32;
export const __HYPERVISOR_physdev_op: u32 = 33;
export const __HYPERVISOR_hvm_op: u32 = 34;

export const DOMID_SELF: u16 = 0x7ff0;
/** To XEN_DOMCTL_createdomain: whichever id is free. Named in 4.22; before, any reserved id means that. */
export const DOMID_ANY: u16 = 0x7ff5;

export const VIRQ_TIMER: u32 = 0;
export const VIRQ_DEBUG: u32 = 1;
export const VIRQ_CONSOLE: u32 = 2;
export const VIRQ_DOM_EXC: u32 = 3;

export const VMASST_CMD_enable: u32 = 0;
export const VMASST_TYPE_runstate_update_flag: u32 = 5;

// struct shared_info, 64-bit layout: offsets in bytes.
export const SHARED_INFO_VCPU_INFO: usize = 0;
export const SHARED_INFO_EVTCHN_PENDING: usize = 2048;
export const SHARED_INFO_EVTCHN_MASK: usize = 2560;
export const SHARED_INFO_WC_VERSION: usize = 3072;
export const SHARED_INFO_WC_SEC: usize = 3076;
export const SHARED_INFO_WC_NSEC: usize = 3080;
export const SHARED_INFO_WC_SEC_HI: usize = 3084;

// struct vcpu_info, 64-bit layout: offsets in bytes.
/** vCPUs that have their struct vcpu_info in shared_info. */
export const XEN_LEGACY_MAX_VCPUS: u32 = 32;
export const VCPU_INFO_SIZE: usize = 64;
export const VCPU_INFO_EVTCHN_UPCALL_PENDING: usize = 0;
export const VCPU_INFO_EVTCHN_UPCALL_MASK: usize = 1;
export const VCPU_INFO_EVTCHN_PENDING_SEL: usize = 8;
export const VCPU_INFO_TIME: usize = 32;

// struct vcpu_time_info: offsets in bytes.
export const TIME_VERSION: usize = 0;
export const TIME_TSC_TIMESTAMP: usize = 8;
export const TIME_SYSTEM_TIME: usize = 16;
export const TIME_TSC_TO_SYSTEM_MUL: usize = 24;
export const TIME_TSC_SHIFT: usize = 28;
