/** The look of the story's page: light and dark by the reader's own setting. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --panel: #f6f7f8; --ink: #1a1f26; --quiet: #57606a; --line: #d5dae0; --accent: #0a5aa8;
  --guest: #0072b2; --toolstack: #c04a00; --xen: #007a5a; --changed: #fff4cf;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #101418; --panel: #181d23; --ink: #e4e8ec; --quiet: #9da7b1; --line: #2f363e; --accent: #6cb2f7;
    --guest: #56b4e9; --toolstack: #f0a04b; --xen: #2fc79a; --changed: #3a3213;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 84rem; padding: 2rem 1.5rem 3rem; background: var(--background); color: var(--ink);
  font: 0.94rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; overflow-wrap: anywhere;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 0.5rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 0.25rem; }
p { margin: 0 0 1rem; max-width: 52rem; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.92em; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--background); padding: 0.25rem 0.5rem; z-index: 2; }
.quiet { color: var(--quiet); }

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

.wide { overflow-x: auto; position: relative; margin-top: 0.5rem; }
table { border-collapse: collapse; width: 100%; min-width: 44rem; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { font-weight: 600; border-bottom: 2px solid var(--line); }
section.states { margin-top: 2.5rem; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: 0.88rem; }
@media (max-width: 40rem) { body { padding: 1.25rem 1rem 2rem; } .row { grid-template-columns: repeat(3, 1.05rem) minmax(0, 1fr); } }
@media print { .skip { display: none; } .step { break-inside: avoid; } }
`;
