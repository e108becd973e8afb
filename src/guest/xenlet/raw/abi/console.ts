// xen/include/public/io/console.h, Xen 4.17: struct xencons_interface, the page that guest and console daemon
// share. Offsets in bytes. And xen.h's console_io operations.

export const XENCONS_IN: usize = 0;
export const XENCONS_OUT: usize = 1024;
export const XENCONS_IN_CONS: usize = 3072;
export const XENCONS_IN_PROD: usize = 3076;
export const XENCONS_OUT_CONS: usize = 3080;
export const XENCONS_OUT_PROD: usize = 3084;

export const CONSOLEIO_write: u32 = 0;
export const CONSOLEIO_read: u32 = 1;
