// The PV console's page of rings, from the guest's end.

export { ConsoleRing } from "../internal/console/ring";
