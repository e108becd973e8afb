// QEMU's fw_cfg device: named items that QEMU's command line gives the machine (-fw_cfg), read by DMA. Documented in
// docs/specs/fw_cfg.txt and hw/nvram/fw_cfg.c, QEMU 7.2. All its numbers are big endian.
//
// The device is not part of Xen: its ports go to the hardware domain, and it reads and writes machine memory. A domain
// knows its memory by guest frames only, but of a grant that it maps Xen says where the page is in the machine
// (dev_bus_addr); so our own pages are granted to ourselves. The mapping takes the page from where it was.

import { grant } from "xenlet/grant";
import {
  frame_of,
  load8,
  load32,
  load64,
  shared_alloc,
  shared_copy,
  store32,
  store64,
} from "xenlet/internal/intrinsics";
import { GrantMapping } from "./grant-mapping";
import { HARDWARE_DOMAIN } from "./platform-op";

@external("native", "fw_cfg_dma") declare function fw_cfg_dma(address: u64): void;

const FW_CFG_FILE_DIR: u32 = 0x19;
const FW_CFG_DMA_CTL_ERROR: u32 = 1;
const FW_CFG_DMA_CTL_READ: u32 = 2;
const FW_CFG_DMA_CTL_SKIP: u32 = 4;
const FW_CFG_DMA_CTL_SELECT: u32 = 8;

/** struct FWCfgFile: size, key and name. */
const ENTRY_SIZE: u32 = 64;
const ENTRY_SELECT: usize = 4;
const ENTRY_NAME: usize = 8;

/** struct FWCfgDmaAccess: control, length and address; followed by what a request reads. */
const LENGTH: usize = 4;
const ADDRESS: usize = 8;
const DATA: usize = 64;
/** What one request reads at most: to the end of the page. */
const MOST: u32 = 4096 - <u32>DATA;

/** A page that the device reaches. */
class DevicePage {
  /** Where it is in our address space, and in the machine. */
  readonly at: usize;
  readonly machine: u64;

  constructor() {
    const page = shared_alloc(1);
    if (page == 0) throw new Error("no page frame left for fw_cfg");
    const ref = grant.access(HARDWARE_DOMAIN, frame_of(page));
    const mapping = GrantMapping.map(HARDWARE_DOMAIN, <u32>ref);
    if (!mapping.isMapped)
      throw new Error("GNTTABOP_map_grant_ref of our own page: status " + mapping.status.toString());
    this.at = mapping.at;
    this.machine = mapping.machine;
  }
}

let page: DevicePage | null = null;

function devicePage(): DevicePage {
  let made = page;
  if (!made) page = made = new DevicePage();
  return made;
}

/** One request: bytes [offset, offset + size) of the item with that key, into the page. */
function request(key: u32, offset: u32, size: u32): usize {
  const page = devicePage();
  const at = page.at;
  store32(at + LENGTH, bswap<u32>(offset));
  /* A skip first: it selects, and the read continues from there. */
  run(page, (key << 16) | FW_CFG_DMA_CTL_SELECT | FW_CFG_DMA_CTL_SKIP);
  store32(at + LENGTH, bswap<u32>(size));
  store64(at + ADDRESS, bswap<u64>(page.machine + DATA));
  run(page, FW_CFG_DMA_CTL_READ);
  return at + DATA;
}

function run(page: DevicePage, control: u32): void {
  store32(page.at, bswap<u32>(control));
  fw_cfg_dma(page.machine);
  const left = bswap<u32>(load32(page.at));
  if (left != 0)
    throw new Error(
      (left & FW_CFG_DMA_CTL_ERROR) != 0 ? "fw_cfg refused a request" : "the machine has no fw_cfg with DMA",
    );
}

/** Whether `wanted`, with its NUL, stands at `at` in shared memory. */
function isText(at: usize, wanted: ArrayBuffer): bool {
  for (let i = 0; i < wanted.byteLength; i++)
    if (load8(at + i) != load<u8>(changetype<usize>(wanted) + i)) return false;
  return true;
}

/** One of the device's items. */
export class FwCfgItem {
  private constructor(
    private key: u32,
    /** In bytes, as it was when it was found. */
    readonly size: u32,
  ) {}

  /**
   * The item of that name; null if there is none. Looked up each time: a machine that was restored may have other
   * items, and other keys. Ends the toolstack if the device does not exist.
   */
  static find(name: string): FwCfgItem | null {
    const wanted = String.UTF8.encode(name, true);
    const directory = request(FW_CFG_FILE_DIR, 0, MOST);
    const count = min(bswap<u32>(load32(directory)), (MOST - 4) / ENTRY_SIZE);
    for (let i: u32 = 0; i < count; i++) {
      const entry = directory + 4 + i * ENTRY_SIZE;
      if (!isText(entry + ENTRY_NAME, wanted)) continue;
      return new FwCfgItem(bswap<u32>(load32(entry + ENTRY_SELECT)) >> 16, bswap<u32>(load32(entry)));
    }
    return null;
  }

  /** Copies bytes [offset, offset + size) to `to`, shared memory as well. Zeroes beyond the item's end. */
  read(offset: u64, to: usize, size: u32): void {
    for (let done: u32 = 0; done < size;) {
      const some = min(size - done, MOST);
      shared_copy(to + done, request(this.key, <u32>(offset + done), some), some);
      done += some;
    }
  }

  /** The 64-bit word at `offset`, little endian. */
  u64(offset: u32): u64 {
    return load64(request(this.key, offset, 8));
  }
}
