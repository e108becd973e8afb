/** What all pages look like (page.ts): light and dark by the reader's own setting. A page's own style follows it. */
export const BASE_STYLE = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --panel: #f6f7f8; --ink: #1a1f26; --quiet: #57606a; --line: #d5dae0;
  --accent: #0a5aa8; --changed: #fff4cf;
  --passed: #19703a; --failed: #c1121f; --skipped: #8a5a00; --failed-background: #fdecec;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #101418; --panel: #181d23; --ink: #e4e8ec; --quiet: #9da7b1; --line: #2f363e;
    --accent: #6cb2f7; --changed: #3a3213;
    --passed: #56c271; --failed: #ff8078; --skipped: #e0b04a; --failed-background: #33191b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.5rem 3rem; background: var(--background);
  color: var(--ink); font: 0.94rem/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 0.25rem; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 2px; }
code, .mono { font-family: var(--mono); font-size: 0.92em; }
.quiet { color: var(--quiet); }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  white-space: nowrap;
}
.skip { position: absolute; left: -100vw; }
.skip:focus { left: 1rem; top: 0.5rem; background: var(--background); padding: 0.25rem 0.5rem; z-index: 2; }
/* Positioned: else what is only for screen readers would widen the page, not this. */
.wide { overflow-x: auto; position: relative; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 0.35rem 0.6rem; border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { font-weight: 600; vertical-align: bottom; border-bottom: 2px solid var(--line); }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--quiet); font-size: 0.88rem; }
footer code { overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { padding: 1.25rem 1rem 2rem; } }
@media print { .skip { display: none; } }
`;
