/** The port that gdb attaches to: everything goes through a GdbProxy to QEMU. */
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { UserError } from "../base/errors.js";
import { ExitCode } from "../base/exit-codes.js";
import { GdbProxy } from "../core/gdb-proxy.js";

export class DebugSession {
  #proxy: GdbProxy | null = null;
  #gdb: Socket | null = null;

  private constructor(private readonly server: Server) {}

  /** Listens on that port of localhost. Rejects with a UserError (122) if it cannot. */
  static async listen(port: number): Promise<DebugSession> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => {
        reject(
          new UserError(`gdb cannot be waited for on port ${port}: ${cause.message}`, {
            exitCode: ExitCode.HOST,
            cause,
          }),
        );
      });
      server.listen(port, "127.0.0.1", resolve);
    });
    return new DebugSession(server);
  }

  /** One gdb, the first: what is left of the machine when it goes is not a state to begin from. */
  connect(image: string, pid: number, qemu: Duplex, onError: (error: unknown) => void): void {
    const take = (gdb: Socket): void => {
      this.server.close();
      this.#gdb = gdb;
      gdb.setNoDelay(true);
      gdb.on("error", () => undefined);
      gdb.pause();
      GdbProxy.start(image, pid, gdb, qemu).then((proxy) => {
        this.#proxy = proxy;
        gdb.resume();
      }, onError);
    };
    this.server.once("connection", take);
  }

  async close(): Promise<void> {
    this.server.close();
    this.#gdb?.destroy();
    await this.#proxy?.close();
  }
}
