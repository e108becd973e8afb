/**
 * How a machine's state is saved and restored by QEMU's migration (7.2 and later), its memory apart: that is a file which
 * QEMU writes while the machine runs, and maps when it is restored (capability x-ignore-shared). A restored machine so takes the
 * pages that it touches; to load all of them cost as much again, and up to a second where Linux has to clear huge pages for them.
 */
import type { MachineProcess } from "./qemu.js";
import { STATE_FD } from "./qemu.js";
import { Qmp } from "./qmp.js";

/** A monitor that takes commands, set to leave memory that is in a file where it is. Rejects if QEMU is gone. */
export async function migrationMonitor({ socket }: MachineProcess): Promise<Qmp> {
  if (socket === null) throw new Error("QEMU has no monitor");
  const qmp = new Qmp(socket);
  await qmp.execute("qmp_capabilities");
  const capabilities = [{ capability: "x-ignore-shared", state: true }];
  await qmp.execute("migrate-set-capabilities", { capabilities });
  return qmp;
}

/**
 * Has a machine that was started with restoredArgs() go on from the state that is open as its STATE_FD. What is wrong with
 * the state ends QEMU, sooner or later.
 */
export async function resume(machine: MachineProcess): Promise<void> {
  try {
    const qmp = await migrationMonitor(machine);
    await qmp.execute("migrate-incoming", { uri: `fd:${STATE_FD}` });
  } catch {
    machine.kill();
  }
}
