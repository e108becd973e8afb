// The store's page of rings, and its messages, from either end.

export { ByteRing, HEADER, MessageBuffer, replyRing, requestRing } from "../internal/xenstore/page";
