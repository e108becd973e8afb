// One domain, by domctl. Each method is one operation and returns Xen's own number: 0, or a negative errno.

import { event_channel_op, hvm_op, memory_op } from "xenlet/raw/hypercall";
import { EVTCHNOP_status, evtchn_status } from "xenlet/raw/abi/event_channel";
import { HVMOP_get_param, HVMOP_set_param, xen_hvm_param } from "xenlet/raw/abi/hvm";
import {
  XENMEM_populate_physmap,
  XENMEM_set_memory_map,
  xen_foreign_memory_map,
  xen_memory_map,
  xen_memory_reservation,
} from "xenlet/raw/abi/memory";
import { DOMID_ANY } from "xenlet/raw/abi/xen";
import { sched } from "xenlet/internal/sched/sched";
import {
  XEN_DOMCTL_CDF_hap,
  XEN_DOMCTL_CDF_hvm,
  XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION,
  XEN_DOMCTL_createdomain,
  XEN_DOMCTL_destroydomain,
  XEN_DOMCTL_getdomaininfo,
  XEN_DOMCTL_max_mem,
  XEN_DOMCTL_max_vcpus,
  XEN_DOMCTL_pausedomain,
  XEN_DOMCTL_resumedomain,
  XEN_DOMCTL_set_paging_mempool_size,
  XEN_DOMCTL_sethvmcontext,
  XEN_DOMCTL_shadow_op,
  XEN_DOMCTL_soft_reset,
  XEN_DOMCTL_unpausedomain,
  XEN_DOMINF_dying,
  XEN_DOMINF_paused,
  XEN_DOMINF_shutdown,
  XEN_DOMINF_shutdownmask,
  XEN_DOMINF_shutdownshift,
  xen_domctl_createdomain,
  xen_domctl_getdomaininfo,
  xen_domctl_hvmcontext,
  xen_domctl_max_mem,
  xen_domctl_max_vcpus,
  xen_domctl_paging_mempool,
  xen_domctl_shadow_op,
} from "xenlet/raw/abi/domctl";
import { domctl, domctlArgument, domctlDomain } from "./domctl";
import { xenInterface } from "./interface";

/** The argument of XEN_DOMCTL_createdomain. */
export class DomainKind {
  vcpus: u32 = 1;
  /** XEN_DOMCTL_CDF_*; a PV domain has none of these. */
  flags: u32 = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
  /** XEN_X86_EMU_*. */
  emulation: u32 = 1;
  /** The highest event channel port; Xen has no limit of its own below the ABI's. */
  maxEvtchnPort: u32 = 0x7fffffff;
  maxGrantFrames: u32 = 64;
  maxMaptrackFrames: u32 = 1024;
  /** The highest version of the grant table that it may use, from 4.16 on: 1 or 2, which is libxl's default. */
  grantVersion: u32 = 1;
}

/** What XEN_DOMCTL_getdomaininfo says. */
export class DomainInfo {
  /** 0, or Xen's negative errno; then the other fields are meaningless. */
  result: i64 = 0;
  /** XEN_DOMINF_*. */
  flags: u32 = 0;
  /** Pages that it has, and may have. */
  totPages: u64 = 0;
  maxPages: u64 = 0;
  /** The guest frame where shared_info is mapped; all ones if nowhere. */
  sharedInfoFrame: u64 = 0;
  /** vCPUs that are not down, and the highest one's number. */
  onlineVcpus: u32 = 0;
  maxVcpuId: u32 = 0;

  get isShutdown(): bool {
    return (this.flags & XEN_DOMINF_shutdown) != 0;
  }
  get isPaused(): bool {
    return (this.flags & XEN_DOMINF_paused) != 0;
  }
  get isDying(): bool {
    return (this.flags & XEN_DOMINF_dying) != 0;
  }
  /** SHUTDOWN_* that it shut down with; 255 until then. */
  get reason(): u32 {
    return (this.flags >> XEN_DOMINF_shutdownshift) & XEN_DOMINF_shutdownmask;
  }
}

const param = changetype<xen_hvm_param>(memory.data(offsetof<xen_hvm_param>(), 8));
const status = changetype<evtchn_status>(memory.data(offsetof<evtchn_status>(), 8));
const reservation = changetype<xen_memory_reservation>(memory.data(offsetof<xen_memory_reservation>(), 8));

const memoryMap = changetype<xen_foreign_memory_map>(memory.data(offsetof<xen_foreign_memory_map>(), 8));

/** Extents that one XENMEM_populate_physmap names. */
const EXTENTS: u32 = 128;
const extents: usize = memory.data(EXTENTS * sizeof<u64>(), 8);

/** A domain, by its id: XEN_DOMCTL_* and HVM parameters (domctl.h, hvm/params.h). Negative results are Xen's errno. */
export class Domain {
  constructor(readonly id: u16) {}

  /**
   * XEN_DOMCTL_createdomain: the id that Xen gave it, or Xen's errno. -EINVAL: flags or emulation that do not go
   * together; -EOPNOTSUPP in 4.19 and later. Ids go up, and begin again at 1 once they are used up.
   */
  static create(kind: DomainKind): i64 {
    const at = domctlArgument();
    const u = changetype<xen_domctl_createdomain>(at);
    u.flags = kind.flags;
    u.max_vcpus = kind.vcpus;
    u.max_evtchn_port = kind.maxEvtchnPort;
    u.max_grant_frames = kind.maxGrantFrames;
    u.max_maptrack_frames = kind.maxMaptrackFrames;
    const layout = xenInterface();
    /* The highest grant table version that it may use. */
    if (layout.grant_opts != 0) store<u32>(at + layout.grant_opts, kind.grantVersion);
    store<u32>(at + layout.emulation_flags, kind.emulation);
    /* 0 means that as well before 4.22, which takes it for domain 0's own. */
    const result = domctl(XEN_DOMCTL_createdomain, DOMID_ANY);
    return result < 0 ? result : domctlDomain();
  }

  /** Allocates the vCPUs: as many as createdomain was told, else -EINVAL. */
  setMaxVcpus(count: u32): i64 {
    changetype<xen_domctl_max_vcpus>(domctlArgument()).max = count;
    return domctl(XEN_DOMCTL_max_vcpus, this.id);
  }

  /** How much memory it may have, in KiB. */
  setMaxMemory(kib: u64): i64 {
    changetype<xen_domctl_max_mem>(domctlArgument()).max_memkb = kib;
    return domctl(XEN_DOMCTL_max_mem, this.id);
  }

  /** Memory for its nested page tables, in MiB. */
  setPagingPool(mib: u32): i64 {
    if (xenInterface().set_paging_mempool_size) {
      changetype<xen_domctl_paging_mempool>(domctlArgument()).size = (<u64>mib) << 20;
      return domctl(XEN_DOMCTL_set_paging_mempool_size, this.id);
    }
    const u = changetype<xen_domctl_shadow_op>(domctlArgument());
    u.op = XEN_DOMCTL_SHADOW_OP_SET_ALLOCATION;
    u.mb = mib;
    return domctl(XEN_DOMCTL_shadow_op, this.id);
  }

  /**
   * RAM: `count` extents of 2^order frames from `gfn` on. Returns how many there are: fewer when Xen or the
   * domain's limit has no more.
   */
  populate(gfn: u64, count: u32, order: u32): i64 {
    let done: u32 = 0;
    while (done < count) {
      const some = min(count - done, EXTENTS);
      for (let i: u32 = 0; i < some; i++)
        store<u64>(extents + i * sizeof<u64>(), gfn + ((<u64>(done + i)) << order));
      reservation.extent_start = extents;
      reservation.nr_extents = some;
      reservation.extent_order = order;
      reservation.mem_flags = 0;
      reservation.domid = this.id;
      const result = memory_op(XENMEM_populate_physmap, changetype<usize>(reservation));
      if (result < 0) return result;
      done += <u32>result;
      if (<u32>result < some) break;
    }
    return done;
  }

  /** What XENMEM_memory_map tells the domain: `count` of struct e820entry at `at`. -E2BIG: more than Xen keeps (128). */
  setMemoryMap(at: usize, count: u32): i64 {
    memoryMap.domid = this.id;
    const map = changetype<xen_memory_map>(
      changetype<usize>(memoryMap) + offsetof<xen_foreign_memory_map>("map"),
    );
    map.nr_entries = count;
    map.buffer = at;
    return memory_op(XENMEM_set_memory_map, changetype<usize>(memoryMap));
  }

  /** XEN_DOMCTL_sethvmcontext: the vCPUs' state, as a save record (hvm_save.ts). */
  setContext(at: usize, size: u32): i64 {
    const u = changetype<xen_domctl_hvmcontext>(domctlArgument());
    u.size = size;
    u.buffer = at;
    return domctl(XEN_DOMCTL_sethvmcontext, this.id);
  }

  /** HVM_PARAM_* `index`. */
  setParam(index: u32, value: u64): i64 {
    param.domid = this.id;
    param.index = index;
    param.value = value;
    return hvm_op(HVMOP_set_param, changetype<usize>(param));
  }

  /** HVM_PARAM_* `index`; u64.MAX_VALUE where Xen does not say. */
  getParam(index: u32): u64 {
    param.domid = this.id;
    param.index = index;
    return hvm_op(HVMOP_get_param, changetype<usize>(param)) < 0 ? u64.MAX_VALUE : param.value;
  }

  /** EVTCHNSTAT_* of one of the domain's ports; Xen's negative errno where it has no such port. */
  portState(port: u32): i64 {
    status.dom = this.id;
    status.port = port;
    const result = event_channel_op(EVTCHNOP_status, changetype<usize>(status));
    return result < 0 ? result : status.status;
  }

  /** XEN_DOMCTL_getdomaininfo; its `result` is Xen's errno if the domain no longer exists. */
  info(): DomainInfo {
    const u = changetype<xen_domctl_getdomaininfo>(domctlArgument());
    const info = new DomainInfo();
    info.result = domctl(XEN_DOMCTL_getdomaininfo, this.id);
    info.flags = u.flags;
    info.totPages = u.tot_pages;
    info.maxPages = u.max_pages;
    info.sharedInfoFrame = u.shared_info_frame;
    info.onlineVcpus = u.nr_online_vcpus;
    info.maxVcpuId = u.max_vcpu_id;
    return info;
  }

  /** Pauses nest: it runs again when as many unpauses have followed. */
  pause(): i64 {
    return this.plain(XEN_DOMCTL_pausedomain);
  }

  /** -EINVAL: it was not paused. */
  unpause(): i64 {
    return this.plain(XEN_DOMCTL_unpausedomain);
  }

  /** Everything it has goes back to Xen. It may stay listed as dying for a while, or for as long as we map a frame of it. */
  destroy(): i64 {
    return this.plain(XEN_DOMCTL_destroydomain);
  }

  /** XEN_DOMCTL_resumedomain: a domain that shut down continues, nothing cleaned. */
  resume(): i64 {
    return this.plain(XEN_DOMCTL_resumedomain);
  }

  /**
   * XEN_DOMCTL_soft_reset (domain_soft_reset, xen/common/domain.c): the domain must have shut down, and be paused by
   * us on top of that. It is not shut down any more afterwards, but still paused. -EINVAL: not shut down, not paused,
   * or the caller itself; -ENOMEM: no page for what shared_info covered, and then the domain has crashed; -EBUSY:
   * another reset is going on; -EAGAIN: a port could not be closed.
   */
  softReset(): i64 {
    return this.plain(XEN_DOMCTL_soft_reset);
  }

  /** SCHEDOP_remote_shutdown. */
  remoteShutdown(reason: u32): i64 {
    return sched.remoteShutdown(this.id, reason);
  }

  private plain(cmd: u32): i64 {
    domctlArgument();
    return domctl(cmd, this.id);
  }
}
