// xen/include/public/io/xs_wire.h, Xen 4.17: what a guest and the store's daemon say to each other, and the page
// in which they say it. The same in 4.14 to 4.20, but for the field `error` and its feature bit, new in 4.17.

// enum xsd_sockmsg_type
export const XS_CONTROL: u32 = 0;
export const XS_DIRECTORY: u32 = 1;
export const XS_READ: u32 = 2;
export const XS_GET_PERMS: u32 = 3;
export const XS_WATCH: u32 = 4;
export const XS_UNWATCH: u32 = 5;
export const XS_TRANSACTION_START: u32 = 6;
export const XS_TRANSACTION_END: u32 = 7;
export const XS_INTRODUCE: u32 = 8;
export const XS_RELEASE: u32 = 9;
export const XS_GET_DOMAIN_PATH: u32 = 10;
export const XS_WRITE: u32 = 11;
export const XS_MKDIR: u32 = 12;
export const XS_RM: u32 = 13;
export const XS_SET_PERMS: u32 = 14;
export const XS_WATCH_EVENT: u32 = 15;
export const XS_ERROR: u32 = 16;
export const XS_IS_DOMAIN_INTRODUCED: u32 = 17;
export const XS_RESUME: u32 = 18;
export const XS_SET_TARGET: u32 = 19;
export const XS_RESET_WATCHES: u32 = 21;
export const XS_DIRECTORY_PART: u32 = 22;

/** What each message begins with; `len` bytes follow. */
@unmanaged export class xsd_sockmsg {
  type: u32;
  req_id: u32;
  tx_id: u32;
  len: u32;
}

// struct xenstore_domain_interface: the page. Offsets in bytes.
export const XENSTORE_INTERFACE_REQ: usize = 0;
export const XENSTORE_INTERFACE_RSP: usize = 1024;
export const XENSTORE_INTERFACE_REQ_CONS: usize = 2048;
export const XENSTORE_INTERFACE_REQ_PROD: usize = 2052;
export const XENSTORE_INTERFACE_RSP_CONS: usize = 2056;
export const XENSTORE_INTERFACE_RSP_PROD: usize = 2060;
export const XENSTORE_INTERFACE_SERVER_FEATURES: usize = 2064;
export const XENSTORE_INTERFACE_CONNECTION: usize = 2068;
export const XENSTORE_INTERFACE_ERROR: usize = 2072;

/** Bytes of each of the two rings. */
export const XENSTORE_RING_SIZE: u32 = 1024;

/** A message with more than this behind its header ends the connection. */
export const XENSTORE_PAYLOAD_MAX: u32 = 4096;
export const XENSTORE_ABS_PATH_MAX: u32 = 3072;
export const XENSTORE_REL_PATH_MAX: u32 = 2048;

// server_features
export const XENSTORE_SERVER_FEATURE_RECONNECTION: u32 = 1;
export const XENSTORE_SERVER_FEATURE_ERROR: u32 = 2;

// connection
export const XENSTORE_CONNECTED: u32 = 0;
export const XENSTORE_RECONNECT: u32 = 1;

// error
export const XENSTORE_ERROR_NONE: u32 = 0;
export const XENSTORE_ERROR_COMM: u32 = 1;
export const XENSTORE_ERROR_RINGIDX: u32 = 2;
export const XENSTORE_ERROR_PROTO: u32 = 3;
