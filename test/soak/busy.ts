import { spawn } from "node:child_process";

/** Runs `work` while as many loops as told have the CPUs as well. */
export async function besideBusyLoops<T>(count: number, work: () => Promise<T>): Promise<T> {
  // Each ends by itself if this process has ended: its parent is then another one.
  const loop = "const parent = process.ppid; while (process.ppid === parent);";
  const loops = Array.from({ length: count }, () =>
    spawn(process.execPath, ["-e", loop], { stdio: "ignore" }),
  );
  try {
    return await work();
  } finally {
    for (const one of loops) one.kill("SIGKILL");
  }
}
