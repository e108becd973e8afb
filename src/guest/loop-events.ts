// The handlers of evtchn.on(), by port.

import { useLoop } from "./loop";

export abstract class EventHandler {
  /** Its place in `ports`. */
  index: i32 = 0;

  abstract run(port: u32): void;
}

export class ContextEventHandler<T> extends EventHandler {
  constructor(
    private context: T,
    private fn: (context: T, port: u32) => void,
  ) {
    super();
  }

  run(port: u32): void {
    this.fn(this.context, port);
  }
}

@lazy let handlers: Array<EventHandler | null> | null = null;
/** The ports that have a handler, in no order. */
@lazy let ports: Array<u32> | null = null;

/** The port of VIRQ_TIMER, if the loop has bound it; else 0. */
export let timerPort: u32 = 0;

export function setTimerPort(port: u32): void {
  timerPort = port;
}

/** Replaces an earlier handler of the port. */
export function addEventHandler(port: u32, handler: EventHandler): void {
  useLoop();
  removeEventHandler(port);
  let table = handlers;
  if (!table) handlers = table = [];
  let list = ports;
  if (!list) ports = list = [];
  if (<i32>port >= table.length) table.length = port + 1;
  table[port] = handler;
  handler.index = list.push(port) - 1;
}

export function removeEventHandler(port: u32): void {
  if (port == timerPort) timerPort = 0;
  const handler = handlerOf(port);
  if (!handler) return;
  handlers![port] = null;
  const list = ports!;
  const last = list.pop();
  if (last == port) return;
  list[handler.index] = last;
  handlers![last]!.index = handler.index;
}

export function removeEventHandlers(): void {
  handlers = null;
  ports = null;
  timerPort = 0;
}

function handlerOf(port: u32): EventHandler | null {
  const table = handlers;
  return table && <i32>port < table.length ? table[port] : null;
}

/** The ports that have a handler. */
export function handledPorts(): Array<u32> {
  let list = ports;
  if (!list) ports = list = [];
  return list;
}

/** Nothing, if the port has no handler: somebody else's event, or one that came before its handler was taken away. */
export function runEventHandler(port: u32): void {
  const handler = handlerOf(port);
  if (handler) handler.run(port);
}
