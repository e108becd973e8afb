// struct crash_info of boot/crash.h: what a guest that crashed leaves to its crash kernel.

export const CRASH_MAGIC: u64 = 0x687361724374656c;
export const CRASH_KIND_SIZE: i32 = 24;
export const CRASH_MAX_SAVED: u64 = 8;
/** Of `vector`: it gave up by itself, there was no exception. */
export const CRASH_NO_VECTOR: u32 = u32.MAX_VALUE;

@unmanaged
export class crash_info {
  magic: u64;
  vcpu: u32;
  vector: u32;
  kind0: u64;
  kind1: u64;
  kind2: u64;
  error_code: u64;
  address: u64;
  rip: u64;
  rsp: u64;
  rbp: u64;
  rflags: u64;
  cr3: u64;
  rax: u64;
  rcx: u64;
  rdx: u64;
  rbx: u64;
  rsi: u64;
  rdi: u64;
  r8: u64;
  r9: u64;
  r10: u64;
  r11: u64;
  r12: u64;
  r13: u64;
  r14: u64;
  r15: u64;
  linear_begin: u64;
  linear_bytes: u64;
  checksum: u64;
  saved_count: u64;
}

/** Memory that the crash kernel runs in, and where what was there is now. `saved_count` of them follow. */
@unmanaged
export class crash_saved {
  begin: u64;
  size: u64;
  now_at: u64;
}
