// The handlers of evtchn.on(), by port.

export abstract class EventHandler {
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
let handled = 0;

/** Replaces an earlier handler of the port. The caller sees to it that the event loop runs. */
export function addEventHandler(port: u32, handler: EventHandler): void {
  removeEventHandler(port);
  let table = handlers;
  if (!table) handlers = table = [];
  if (<i32>port >= table.length) table.length = port + 1;
  table[port] = handler;
  handled++;
}

export function removeEventHandler(port: u32): void {
  if (!handlerOf(port)) return;
  handlers![port] = null;
  handled--;
}

export function removeEventHandlers(): void {
  handlers = null;
  handled = 0;
}

function handlerOf(port: u32): EventHandler | null {
  const table = handlers;
  return table && <i32>port < table.length ? table[port] : null;
}

/** How many ports have a handler. */
export function handledPorts(): i32 {
  return handled;
}

/** No effect if the port has no handler: an event for other code, or one that arrived before its handler was removed. */
export function runEventHandler(port: u32): void {
  const handler = handlerOf(port);
  if (handler) handler.run(port);
}
