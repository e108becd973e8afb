/** What the story's page looks like, beside what all pages do. */
import { BASE_STYLE } from "../../../report/page-style.js";
import { laneVariables } from "./lanes.js";

export const STYLE = `${BASE_STYLE}
:root { ${laneVariables("light")} }
@media (prefers-color-scheme: dark) { :root { ${laneVariables("dark")} } }
body { max-width: 84rem; overflow-wrap: anywhere; }
h1 { margin-bottom: 0.5rem; }
p { max-width: 52rem; }

.terms { margin: 0 0 1.5rem; display: grid; grid-template-columns: repeat(auto-fit, minmax(min(19rem, 100%), 1fr)); gap: 0.75rem 1.5rem; }
.terms dt { font-weight: 600; } .terms dd { margin: 0; font-size: 0.9rem; }
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; list-style: none; padding: 0; margin: 0 0 1.5rem; }
.legend .mark { display: inline-block; margin-right: 0.4rem; }

.stories { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2.5rem; }
@media (min-width: 64rem) { .stories { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 2rem; } }
.steps { list-style: none; margin: 1rem 0 0; padding: 0; }
.row { display: grid; grid-template-columns: repeat(3, 1.5rem) minmax(0, 1fr); column-gap: 0; }
.cell { position: relative; display: flex; justify-content: center; }
.cell::before { content: ""; position: absolute; top: 0; bottom: 0; border-left: 1.5px solid var(--line); }
.row.call .cell.way::after { content: ""; position: absolute; top: 0.75rem; left: 0; right: 0; border-top: 1.5px dotted var(--quiet); }
.mark { width: 0.7rem; height: 0.7rem; margin-top: 0.4rem; position: relative; z-index: 1; flex: none; }
.mark.guest { background: var(--guest); border-radius: 50%; }
.mark.toolstack { background: var(--toolstack); }
.mark.xen { background: var(--xen); transform: rotate(45deg) scale(0.9); }
.words { padding: 0 0 0.15rem 0.75rem; }
.step > .row:first-child .words { padding-top: 0.4rem; }
.step > .row:first-child .mark { margin-top: 0.8rem; }
.number { color: var(--quiet); font-variant-numeric: tabular-nums; }
.at { color: var(--quiet); font-size: 0.82rem; white-space: nowrap; }
.detail { font-size: 0.88rem; color: var(--quiet); } .row.call .detail { color: var(--ink); }
.changes { margin: 0.15rem 0 0.35rem; padding: 0.3rem 0.6rem; background: var(--changed); border-radius: 4px; font-size: 0.88rem; list-style: none; }
.changes b { font-weight: 600; }
.verdict { font-weight: 600; margin: 0.75rem 0 0; padding: 0.5rem 0.75rem; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; }

.wide { margin-top: 0.5rem; }
table { min-width: 44rem; font-size: 0.9rem; }
section.states { margin-top: 2.5rem; }
@media (max-width: 40rem) { .row { grid-template-columns: repeat(3, 1.05rem) minmax(0, 1fr); } }
@media print { .step { break-inside: avoid; } }
`;
