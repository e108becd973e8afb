// gcc's options for programs that need no C library.

export const FREESTANDING = [
  "-O1",
  "-Wall",
  "-Wextra",
  "-Werror",
  "-ffreestanding",
  "-fno-pic",
  "-fno-pie",
  "-fno-stack-protector",
  "-fno-asynchronous-unwind-tables",
  "-fcf-protection=none",
  "-nostdlib",
  "-static",
];
