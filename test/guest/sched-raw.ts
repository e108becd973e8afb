// sched_op as Xen has it: commands that are none, the legacy hypercall, and an argument wherever it may lie.
// Why: the typed calls put their argument into static memory; who calls sched_op himself passes what he has.
// Fails if Xen reads from another address than the one meant, or if the runtime hides Xen's own number.

import { sched_watchdog, SCHEDOP_watchdog, SCHEDOP_yield } from "xenlet";
import { expect, group, test } from "xenlet/test";
import { __HYPERVISOR_sched_op } from "xenlet/raw/abi/xen";
import { EFAULT, EINVAL, ENOSYS } from "xenlet/raw/errno";
import { hypercall2, sched_op } from "xenlet/raw/hypercall";
import { shared_alloc, store32 } from "xenlet/raw/memory";
import { NOWHERE } from "./_sched";

/** The legacy sched_op(cmd, arg): xen.h. A PVH domain has it not. */
const __HYPERVISOR_sched_op_compat: u32 = 6;

/** SCHEDOP_watchdog with an invalid id reads its argument and does nothing: -EINVAL means that it was read. */
class Managed {
  id: u32 = 99;
  timeout: u32 = 0;
}
const fixed = memory.data<u32>([99, 0]);

@unmanaged class OnHeap {
  id: u32;
  timeout: u32;
}

group("sched_op", () => {
  test("an unknown command is -ENOSYS, whatever its argument", () => {
    expect(sched_op(8, fixed)).toBe(-ENOSYS);
    expect(sched_op(8, NOWHERE)).toBe(-ENOSYS);
    expect(sched_op(0x7fffffff, 0)).toBe(-ENOSYS);
    expect(sched_op(0xffffffff, 0)).toBe(-ENOSYS);
  });

  test("the command is an int: Xen looks at 32 bits of it", () => {
    expect(hypercall2(__HYPERVISOR_sched_op, (1 << 32) | (<u64>SCHEDOP_yield), 0)).toBe(0);
  });

  test("an argument in static memory, on the heap, in an object, in an array or in a shared frame is read", () => {
    expect(sched_op(SCHEDOP_watchdog, fixed)).toBe(-EINVAL);
    const heaped = changetype<OnHeap>(heap.alloc(offsetof<OnHeap>()));
    heaped.id = 99;
    heaped.timeout = 0;
    expect(sched_op(SCHEDOP_watchdog, changetype<usize>(heaped))).toBe(-EINVAL);
    heap.free(changetype<usize>(heaped));
    expect(sched_op(SCHEDOP_watchdog, changetype<usize>(new Managed()))).toBe(-EINVAL);
    const array: StaticArray<u32> = [99, 0];
    expect(sched_op(SCHEDOP_watchdog, changetype<usize>(array))).toBe(-EINVAL);
    const page = shared_alloc(1);
    store32(page, 99);
    expect(sched_op(SCHEDOP_watchdog, page)).toBe(-EINVAL);
  });

  test("an argument at any alignment, and up to the last byte of memory, is read", () => {
    const bytes = heap.alloc(16);
    for (let offset: usize = 0; offset < 8; offset++) {
      store<u32>(bytes + offset, 99);
      expect(sched_op(SCHEDOP_watchdog, bytes + offset)).toBe(-EINVAL);
    }
    heap.free(bytes);
    const end = (<usize>memory.size()) << 16;
    const last = end - offsetof<sched_watchdog>();
    const kept = load<u32>(last);
    store<u32>(last, 99);
    expect(sched_op(SCHEDOP_watchdog, last)).toBe(-EINVAL);
    store<u32>(last, kept);
  });

  test("an argument that ends behind memory, at null, beyond memory or outside the address space is -EFAULT", () => {
    const end = (<usize>memory.size()) << 16;
    expect(sched_op(SCHEDOP_watchdog, end - 4)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_watchdog, end)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_watchdog, 0)).toBe(-EFAULT);
    expect(sched_op(SCHEDOP_watchdog, NOWHERE)).toBe(-EFAULT);
    // What a Wasm pointer cannot say: above 4 GiB, and not canonical.
    expect(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, ((<u64>1) << 32) + <u64>fixed)).toBe(-EFAULT);
    expect(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_watchdog, (<u64>1) << 63)).toBe(-EFAULT);
  });
});

group("sched_op_compat", () => {
  test("the legacy hypercall is -ENOSYS for each of its three commands", () => {
    for (let cmd: u64 = 0; cmd < 3; cmd++)
      expect(hypercall2(__HYPERVISOR_sched_op_compat, cmd, 0)).toBe(-ENOSYS);
  });
});
