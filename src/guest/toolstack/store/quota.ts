// What a domain may have in the store. The figures are xenstored's (xenstored_core.c, 4.17), and so are the errors;
// dom0 has no limits.

/** Nodes that it owns: -ENOSPC. */
export const QUOTA_NODES = 1000;
/** Watches: -E2BIG. */
export const QUOTA_WATCHES = 128;
/** Bytes of a node, its permissions, its value and its children's names: -ENOSPC. */
export const QUOTA_NODE_SIZE: u32 = 2048;
/** Permissions of a node: -ENOSPC. */
export const QUOTA_PERMISSIONS = 5;
/** Transactions that are open: -ENOSPC. */
export const QUOTA_TRANSACTIONS = 10;
/** Nodes that a transaction looked at: -ENOSPC, and its end is -ENOMEM. */
export const QUOTA_TRANSACTION_NODES = 1024;
/** Replies that it has not taken: no request of it is looked at before it takes one. */
export const QUOTA_REPLIES = 20;
/** Bytes of replies and events that it has not taken: events are lost from there on. */
export const QUOTA_QUEUED: u32 = 256 * 1024;

/** What xenstored counts for a node besides its content, and for each of its permissions. */
export const NODE_OVERHEAD: u32 = 24;
export const PERMISSION_SIZE: u32 = 8;
