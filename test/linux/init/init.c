/*
 * The only program of the Linux that a guest jumps into: says that it was reached, and powers off. Freestanding, so
 * that it needs no C library on the machine that builds it. /dev/kmsg is Linux's own log, which earlyprintk=xen
 * prints on Xen's console (the node is in the initramfs: test/boot/kernels.ts).
 */
#include "syscall.h"

#define SYS_write 1
#define SYS_open 2
#define SYS_close 3
#define SYS_read 0
#define SYS_mount 165
#define SYS_reboot 169
#define O_RDONLY 0
#define O_WRONLY 1
#define LINUX_REBOOT_MAGIC1 0xfee1dead
#define LINUX_REBOOT_MAGIC2 672274793
#define LINUX_REBOOT_CMD_POWER_OFF 0x4321fedc

/* One line of the log, and the first line of a file behind it. */
static void say(const char *text, const char *file)
{
    static char line[256];
    long n = 0, fd, got;

    for (; text[n]; n++)
        line[n] = text[n];
    if (file) {
        fd = syscall(SYS_open, (long)file, O_RDONLY, 0, 0, 0);
        got = fd < 0 ? 0 : syscall(SYS_read, fd, (long)(line + n), sizeof(line) - n - 1, 0, 0);
        for (long end = n + (got > 0 ? got : 0); n < end && line[n] != '\n'; n++)
            ;
    }
    fd = syscall(SYS_open, (long)"/dev/kmsg", O_WRONLY, 0, 0, 0);
    syscall(SYS_write, fd, (long)line, n, 0, 0);
    syscall(SYS_close, fd, 0, 0, 0, 0);
}

void _start(void)
{
    say("xenlet-init: reached", 0);
    syscall(SYS_mount, (long)"none", (long)"/sys", (long)"sysfs", 0, 0);
    say("xenlet-init: hypervisor ", "/sys/hypervisor/type");
    say("xenlet-init: guest_type ", "/sys/hypervisor/guest_type");
    say("xenlet-init: clock ", "/sys/devices/system/clocksource/clocksource0/current_clocksource");
    syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0, 0);
    for (;;)
        ;
}
