// The ACPI tables that a PVH domain gets, as libxl gives them (tools/libacpi, 4.17): enough for a kernel that
// counts its vCPUs and looks for its timer and its way to power off, and nothing that would need emulation.
// ACPI 6.3: 5.2.5 RSDP, 5.2.8 XSDT, 5.2.9 FADT (5.2.3.1: hardware-reduced), 5.2.12 MADT.

import { ACPI_BASE } from "./memory-map";

/** Offsets in the page. */
const RSDP: u32 = 0;
const XSDT: u32 = 0x40;
const FADT: u32 = 0x80;
const MADT: u32 = 0x200;
const DSDT: u32 = 0x600;

const HEADER_SIZE: u32 = 36;
const FADT_SIZE: u32 = 276;

const FADT_IA_PC_BOOT_ARCH: usize = 109;
const FADT_FLAGS: usize = 112;
const FADT_X_DSDT: usize = 140;
/** No VGA, no PS/2 controller, no RTC: bits 2 and 5 of IAPC_BOOT_ARCH. */
const NO_VGA_NO_RTC: u16 = (1 << 2) | (1 << 5);
const HW_REDUCED_ACPI: u32 = 1 << 20;

const LOCAL_APIC_BASE: u32 = 0xfee00000;

/** vCPUs that the MADT has room for. */
export const MAX_MADT_VCPUS: u32 = 64;

function text(at: usize, value: string): void {
  for (let i = 0; i < value.length; i++) store<u8>(at + i, <u8>value.charCodeAt(i));
}

/** Makes the bytes of a table sum up to 0. */
function seal(at: usize, size: u32, checksumAt: u32): void {
  let sum: u8 = 0;
  for (let i: u32 = 0; i < size; i++) sum += load<u8>(at + i);
  store<u8>(at + checksumAt, load<u8>(at + checksumAt) - sum);
}

function header(at: usize, signature: string, size: u32, revision: u8): void {
  text(at, signature);
  store<u32>(at + 4, size);
  store<u8>(at + 8, revision);
  text(at + 10, "xenlet");
  text(at + 16, "PVH     ");
  store<u32>(at + 24, 1);
  text(at + 28, "XNLT");
  store<u32>(at + 32, 1);
}

function writeMadt(at: usize, vcpus: u32): void {
  const size = HEADER_SIZE + 8 + vcpus * 8;
  header(at, "APIC", size, 4);
  store<u32>(at + 36, LOCAL_APIC_BASE);
  for (let id: u32 = 0; id < vcpus; id++) {
    const entry = at + HEADER_SIZE + 8 + id * 8;
    store<u8>(entry, 0); /* processor local APIC */
    store<u8>(entry + 1, 8);
    store<u8>(entry + 2, <u8>id);
    store<u8>(entry + 3, <u8>(id * 2)); /* the APIC id that Xen gives a vCPU */
    store<u32>(entry + 4, 1); /* enabled */
  }
  seal(at, size, 9);
}

/** Writes the tables of a domain with `vcpus` (1..MAX_MADT_VCPUS) vCPUs into the zeroed page at `at`, to go to guest physical `base`. Returns the RSDP's guest physical address. */
export function writeAcpi(at: usize, vcpus: u32, base: u64 = ACPI_BASE): u64 {
  const dsdt = at + DSDT;
  header(dsdt, "DSDT", HEADER_SIZE, 2);
  seal(dsdt, HEADER_SIZE, 9);

  writeMadt(at + MADT, vcpus);

  const fadt = at + FADT;
  header(fadt, "FACP", FADT_SIZE, 6);
  store<u16>(fadt + FADT_IA_PC_BOOT_ARCH, NO_VGA_NO_RTC);
  store<u32>(fadt + FADT_FLAGS, HW_REDUCED_ACPI);
  store<u64>(fadt + FADT_X_DSDT, base + DSDT);
  seal(fadt, FADT_SIZE, 9);

  const xsdt = at + XSDT;
  header(xsdt, "XSDT", HEADER_SIZE + 16, 1);
  store<u64>(xsdt + HEADER_SIZE, base + FADT);
  store<u64>(xsdt + HEADER_SIZE + 8, base + MADT);
  seal(xsdt, HEADER_SIZE + 16, 9);

  const rsdp = at + RSDP;
  text(rsdp, "RSD PTR ");
  text(rsdp + 9, "xenlet");
  store<u8>(rsdp + 15, 2);
  store<u32>(rsdp + 20, 36);
  store<u64>(rsdp + 24, base + XSDT);
  seal(rsdp, 20, 8);
  seal(rsdp, 36, 32);
  return base + RSDP;
}
