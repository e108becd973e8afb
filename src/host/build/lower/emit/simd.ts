import { unsupported } from "../decode/errors.js";
import type { Handler } from "./function-state.js";

const all: Handler = (_, r) => unsupported("SIMD", r.where);
export const SIMD: Record<number, Handler> = new Proxy({}, { get: () => all });
