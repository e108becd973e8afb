// SCHEDOP_remote_shutdown and SCHEDOP_pin_override: what Xen's hardware domain may, and another domain may not.
// Why: both act beyond the domain itself, so who is refused what is their point. That remote_shutdown also works:
// test/boot/sched-shutdown.test.ts. Fails if Xen tells a stranger which domains exist, ends the caller for
// DOMID_SELF, or loses count of the one pin that a vCPU may have.

import { DOMID_SELF, SCHEDOP_pin_override, SCHEDOP_remote_shutdown, SHUTDOWN_crash, sched } from "xenlet";
import { EBUSY, EFAULT, EINVAL, EPERM, ESRCH } from "xenlet/raw/errno";
import { sched_op } from "xenlet/raw/hypercall";
import { expect, group, needs, test } from "xenlet/test";
import { NOWHERE } from "./_sched";

/** Not given to any domain: Xen counts up from 1, and these machines run at most a few. */
const NOBODY: u16 = 0x7000;
/** Special numbers of xen.h that are no domain's. */
const DOMID_IO: u16 = 0x7ff1;
const DOMID_XEN: u16 = 0x7ff2;
const DOMID_INVALID: u16 = 0x7ff4;

group("remote_shutdown", () => {
  test("a domain that does not exist is -ESRCH", () => {
    expect(sched.remoteShutdown(NOBODY, SHUTDOWN_crash)).toBe(-ESRCH);
    expect(sched.remoteShutdown(DOMID_IO, SHUTDOWN_crash)).toBe(-ESRCH);
    expect(sched.remoteShutdown(DOMID_XEN, SHUTDOWN_crash)).toBe(-ESRCH);
    expect(sched.remoteShutdown(DOMID_INVALID, SHUTDOWN_crash)).toBe(-ESRCH);
  });

  test("DOMID_SELF is -ESRCH, and the domain lives", () => {
    expect(sched.remoteShutdown(DOMID_SELF, SHUTDOWN_crash)).toBe(-ESRCH);
  });

  test("a bad address is -EFAULT", () => {
    expect(sched_op(SCHEDOP_remote_shutdown, 0)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_remote_shutdown, NOWHERE)).toBe(-EFAULT);
  });

  test(
    "from a domU, dom0 is -EPERM, and so is itself",
    () => {
      expect(sched.remoteShutdown(0, SHUTDOWN_crash)).toBe(-EPERM);
      // Every domain there is, among them the one that asks: none may be ended, none was.
      for (let domid: u16 = 1; domid < 16; domid++) {
        const result = sched.remoteShutdown(domid, SHUTDOWN_crash);
        expect(result == -EPERM || result == -ESRCH).toBeTrue();
      }
    },
    needs("domu"),
  );
});

group("pin_override", () => {
  test(
    "pins, and takes the pin back",
    () => {
      expect(sched.pinOverride(0)).toBe(0);
      expect(sched.pinOverride(-1)).toBe(0);
    },
    needs("dom0"),
  );

  test(
    "pinned already is -EBUSY, to the same CPU too",
    () => {
      sched.pinOverride(0);
      expect(sched.pinOverride(0)).toBe(-EBUSY);
      expect(sched.pinOverride(-1)).toBe(0);
      expect(sched.pinOverride(0)).toBe(0);
      sched.pinOverride(-1);
    },
    needs("dom0"),
  );

  test(
    "nothing to take back is -EINVAL",
    () => {
      expect(sched.pinOverride(-1)).toBe(-EINVAL);
      expect(sched.pinOverride(i32.MIN_VALUE)).toBe(-EINVAL);
    },
    needs("dom0"),
  );

  test(
    "every negative number takes the pin back",
    () => {
      expect(sched.pinOverride(0)).toBe(0);
      expect(sched.pinOverride(i32.MIN_VALUE)).toBe(0);
      expect(sched.pinOverride(-1)).toBe(-EINVAL);
    },
    needs("dom0"),
  );

  test(
    "a CPU that is not online, or none, is -EINVAL",
    () => {
      // These machines have at most a few CPUs; Xen is built for 256 or more, and asks that first.
      expect(sched.pinOverride(255)).toBe(-EINVAL);
      expect(sched.pinOverride(i32.MAX_VALUE)).toBe(-EINVAL);
      expect(sched.pinOverride(-1)).toBe(-EINVAL);
    },
    needs("dom0"),
  );

  test(
    "a bad address is -EFAULT",
    () => {
      expect(sched_op(SCHEDOP_pin_override, 0)).toBe(-EFAULT);
      expect(sched_op(SCHEDOP_pin_override, NOWHERE)).toBe(-EFAULT);
    },
    needs("dom0"),
  );

  test(
    "from a domU it is -EPERM, before the argument is read",
    () => {
      expect(sched.pinOverride(0)).toBe(-EPERM);
      expect(sched.pinOverride(-1)).toBe(-EPERM);
      expect(sched_op(SCHEDOP_pin_override, NOWHERE)).toBe(-EPERM);
    },
    needs("domu"),
  );
});
