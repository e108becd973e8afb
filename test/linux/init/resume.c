/*
 * resume <domain>: XEN_DOMCTL_resumedomain, of a domain that is shut down for whatever reason: a toolstack that leaves the
 * soft reset out. libxl and libxc have nothing like it: their resume is for reason 2 alone (libxc 4.17, xc_resume.c: "Dom
 * %d not suspended"). Built with Xen's headers of the release that it is for, which have its interface version.
 * Freestanding, as init.c is.
 */
#define __XEN_TOOLS__ 1
#include <stdint.h>
#include <xen/xen.h>
#include <xen/domctl.h>

#include "syscall.h"

#define SYS_open 2
#define SYS_ioctl 16
#define SYS_exit 60
#define O_RDWR 2

/* Linux, include/uapi/xen/privcmd.h: IOCTL_PRIVCMD_HYPERCALL */
struct privcmd_hypercall {
    uint64_t op, arg[5];
};
#define IOCTL_PRIVCMD_HYPERCALL ((sizeof(struct privcmd_hypercall) << 16) | ('P' << 8))

static uint32_t number(const char *text)
{
    uint32_t value = 0;

    while (*text)
        value = value * 10 + (*text++ - '0');
    return value;
}

/* As the kernel leaves the stack: argc, argv. */
__attribute__((used)) static _Noreturn void run(char **stack)
{
    static struct xen_domctl domctl;
    struct privcmd_hypercall call = {.op = __HYPERVISOR_domctl, .arg = {(uint64_t)&domctl}};
    long result = -22;

    if ((long)stack[0] == 2) {
        domctl.cmd = XEN_DOMCTL_resumedomain;
        domctl.domain = number(stack[2]);
        domctl.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
        result = syscall(SYS_ioctl, syscall(SYS_open, (long)"/dev/xen/privcmd", O_RDWR, 0, 0, 0), IOCTL_PRIVCMD_HYPERCALL,
                         (long)&call, 0, 0);
    }
    for (;;)
        syscall(SYS_exit, result < 0 ? -result : 0, 0, 0, 0, 0);
}

__asm__(".global _start\n_start:\n mov %rsp, %rdi\n and $-16, %rsp\n call run\n");
