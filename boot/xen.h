/*
 * The part of Xen's public interface that boot code needs, each name as in the header it is named after
 * (Xen 4.17). Layouts are the native 64-bit ones.
 */
#ifndef XENLET_XEN_H
#define XENLET_XEN_H

/* xen.h: hypercall numbers */
#define __HYPERVISOR_memory_op 12
#define __HYPERVISOR_console_io 18
#define __HYPERVISOR_vcpu_op 24
#define __HYPERVISOR_sched_op 29
#define __HYPERVISOR_event_channel_op 32
#define __HYPERVISOR_hvm_op 34
#define DOMID_SELF 0x7ff0
#define CONSOLEIO_write 0
#define CONSOLEIO_read 1
#define SIF_INITDOMAIN 2

/* xen.h: struct shared_info and struct vcpu_info, 64-bit layout, in bytes */
#define SHARED_INFO_EVTCHN_PENDING 2048
#define SHARED_INFO_EVTCHN_MASK 2560
#define VCPU_INFO_SIZE 64
#define VCPU_INFO_EVTCHN_PENDING_SEL 8

/* sched.h */
#define SCHEDOP_yield 0
#define SCHEDOP_block 1
#define SCHEDOP_shutdown 2
#define SCHEDOP_poll 3
#define SCHEDOP_watchdog 6
#define SHUTDOWN_poweroff 0
#define SHUTDOWN_crash 3
#define SHUTDOWN_soft_reset 5

/* event_channel.h */
#define EVTCHNOP_send 4
#define EVTCHN_FIFO_PENDING_BIT 0x80000000u
#define EVTCHN_FIFO_MASKED_BIT 0x40000000u
#define EVTCHN_FIFO_LINKED_BIT 0x20000000u
#define EVTCHN_FIFO_LINK_MASK 0x0001ffffu

/* hvm/hvm_op.h, hvm/params.h */
#define HVMOP_set_param 0
#define HVMOP_get_param 1
#define HVM_PARAM_CALLBACK_IRQ 0
#define HVM_PARAM_CONSOLE_PFN 17
#define HVM_PARAM_CONSOLE_EVTCHN 18

/* io/console.h: struct xencons_interface, in bytes */
#define XENCONS_IN 0
#define XENCONS_OUT 1024
#define XENCONS_IN_CONS 3072
#define XENCONS_IN_PROD 3076
#define XENCONS_OUT_CONS 3080
#define XENCONS_OUT_PROD 3084

/* vcpu.h */
#define VCPUOP_initialise 0
#define VCPUOP_up 1
#define VCPUOP_down 2
#define VCPUOP_get_runstate_info 4
#define VCPUOP_stop_periodic_timer 7
#define VCPUOP_stop_singleshot_timer 9
#define RUNSTATE_running 0

/* hvm/hvm_vcpu.h */
#define VCPU_HVM_MODE_64B 1

/* elfnote.h */
#define XEN_ELFNOTE_PHYS32_ENTRY 18

/* arch-x86/cpuid.h */
#define XEN_CPUID_FIRST_LEAF 0x40000000
#define XEN_CPUID_LEAF_STEP 0x100
#define XEN_CPUID_LAST_LEAF 0x40010000

/* memory.h */
#define XENMEM_add_to_physmap 7
#define XENMEM_memory_map 9
#define XENMAPSPACE_shared_info 0

/* arch-x86/hvm/start_info.h */
#define XEN_HVM_START_MAGIC_VALUE 0x336ec578
#define XEN_HVM_MEMMAP_TYPE_RAM 1

/* The port of Xen's debug console, in every HVM and PVH domain: xen/arch/x86/hvm/hvm.c,
 * XEN_HVM_DEBUGCONS_IOPORT. Not in a public header. */
#define XEN_HVM_DEBUGCONS_IOPORT 0xe9

#ifndef __ASSEMBLER__
#include <stdint.h>

/* sched.h */
struct sched_shutdown {
    uint32_t reason;
};

struct sched_watchdog {
    uint32_t id;
    uint32_t timeout;
};

struct sched_poll {
    uint64_t ports;
    uint32_t nr_ports;
    uint32_t pad;
    uint64_t timeout;
};

/* hvm/hvm_op.h */
struct xen_hvm_param {
    uint16_t domid;
    uint16_t pad;
    uint32_t index;
    uint64_t value;
};

/* vcpu.h */
struct vcpu_runstate_info {
    int32_t state;
    uint32_t pad;
    uint64_t state_entry_time;
    uint64_t time[4]; /* ns in each RUNSTATE_* */
};

/* hvm/hvm_vcpu.h: struct vcpu_hvm_context with its 64-bit half */
struct vcpu_hvm_context_64 {
    uint32_t mode;
    uint32_t pad;
    uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, rip, rflags, cr0, cr3, cr4, efer;
};

/* memory.h */
struct xen_add_to_physmap {
    uint16_t domid, size;
    uint32_t space;
    uint64_t idx, gpfn;
};

struct xen_memory_map {
    uint32_t nr_entries;
    uint32_t pad;
    uint64_t buffer;
};

/* arch-x86/hvm/start_info.h; memmap_paddr and what follows from version 1 on. */
struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};

struct hvm_modlist_entry {
    uint64_t paddr;
    uint64_t size;
    uint64_t cmdline_paddr;
    uint64_t reserved;
};

struct hvm_memmap_table_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

/* What XENMEM_memory_map fills in: the firmware's E820 entry, packed. */
struct e820_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));
#endif
#endif
