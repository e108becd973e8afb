/** What the matrix's page looks like, beside what all pages do, and on paper. */
import { BASE_STYLE } from "../../page-style.js";

export const STYLE = `${BASE_STYLE}
html { scroll-padding-top: 4.5rem; }
body { max-width: 72rem; }
h2 { margin-top: 3rem; }
h3 { font-size: 1rem; line-height: 1.4; margin: 0 0 0.5rem; font-weight: 600; }
p { max-width: 48rem; }
.passed { color: var(--passed); } .failed { color: var(--failed); } .skipped { color: var(--skipped); }

.verdict { font-size: 1.1rem; margin: 0.5rem 0 0; max-width: none; }
.verdict strong { font-weight: 600; }
.facts { margin: 0.25rem 0 1.5rem; color: var(--quiet); font-size: 0.9rem; max-width: none; }
.versions {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr));
  gap: 1rem; margin: 0; padding: 0; list-style: none;
}
.versions li { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 0.9rem 1rem; }
.versions h2 { margin: 0; font-size: 1.05rem; }
.versions p { margin: 0; font-size: 0.88rem; overflow-wrap: anywhere; }
.share { display: block; width: 100%; height: 8px; margin: 0.7rem 0; border-radius: 2px; overflow: hidden; }
.share .passed { fill: var(--passed); } .share .failed { fill: var(--failed); } .share .skipped { fill: var(--skipped); }

.filter {
  display: none; position: sticky; top: 0; z-index: 1; flex-wrap: wrap; gap: 0.5rem 1.25rem;
  align-items: center; padding: 0.6rem 0; background: var(--background); border-bottom: 1px solid var(--line);
}
.scripted .filter { display: flex; }
.filter fieldset { display: flex; flex-wrap: wrap; gap: 0.25rem 1rem; border: 0; margin: 0; padding: 0; }
.filter label { display: inline-flex; align-items: center; gap: 0.35rem; min-height: 1.75rem; }
.filter input[type="search"] {
  font: inherit; color: inherit; background: var(--background); border: 1px solid var(--quiet);
  border-radius: 4px; padding: 0.2rem 0.5rem; width: 14rem; max-width: 100%;
}
.filter output { color: var(--quiet); font-size: 0.9rem; }

.matrix { table-layout: fixed; }
.matrix th[scope="rowgroup"] { padding-top: 1.4rem; font-weight: 600; border-bottom-color: var(--quiet); }
.matrix .cell { width: 5.5rem; text-align: center; overflow-wrap: anywhere; }
.matrix td.cell { font-size: 1.05rem; line-height: 1.4; white-space: nowrap; }
.matrix .has-failed > th { box-shadow: inset 3px 0 var(--failed); }
.matrix td.failed .mark { background: var(--failed-background); border-radius: 3px; padding: 0.1rem 0.45rem; }
.matrix td.failed .control { margin-left: 0; }
.matrix thead .cell { font-size: 0.92rem; }
.matrix .control { position: absolute; font-size: 0.6rem; color: var(--quiet); margin-left: 0.2rem; }
.matrix summary { cursor: pointer; padding-left: 1.1rem; text-indent: -1.1rem; }
.matrix summary > * { text-indent: 0; }
.matrix summary .mono { overflow-wrap: anywhere; }
.matrix summary .title { display: block; color: var(--quiet); font-size: 0.88rem; }
.matrix details > dl { margin: 0.5rem 0 0.4rem 1.1rem; font-size: 0.88rem; }
.matrix dt { font-weight: 600; margin-top: 0.5rem; }
.matrix dd { margin: 0; overflow-wrap: anywhere; }
.matrix dd ul { margin: 0.2rem 0 0; padding-left: 0; list-style: none; font-size: 0.94em; }
.matrix dd + dd { margin-top: 0.1rem; }
.matrix dd li { padding-left: 1.2rem; text-indent: -1.2rem; }
.overview { display: grid; grid-template-columns: minmax(0, 1fr) minmax(13rem, 18rem); gap: 1rem 2rem; align-items: start; margin: 0 0 1.5rem; }
.tallies td { font-variant-numeric: tabular-nums; }
.tallies td > span { display: inline-block; white-space: nowrap; margin-right: 0.6rem; }
.tallies .has-failed { background: var(--failed-background); }
.tallies .total > * { border-bottom: 0; font-weight: 600; }
.exact { display: block; font-weight: normal; font-size: 0.78rem; color: var(--quiet); overflow-wrap: anywhere; }
.legend { font-size: 0.88rem; color: var(--quiet); background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 0.6rem 0.9rem; }
.legend dl { display: grid; grid-template-columns: 1.2rem 1fr; gap: 0.15rem 0.5rem; margin: 0; }
.legend dd { margin: 0; }
[hidden] { display: none !important; }

.failures { margin: 0.5rem 0 0; padding: 0; list-style: none; }
.failures > li { border-left: 3px solid var(--failed); padding: 0.1rem 0 0.1rem 0.9rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.failures p { margin: 0; max-width: none; }

.measured { display: flex; align-items: center; gap: 0.75rem; }
.bar { flex: 1; width: 0; min-width: 3rem; height: 0.8rem; overflow: visible; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; text-align: right; min-width: 4.2rem; display: inline-block; }
.timeline, .series { font-size: 0.9rem; }
.timeline td, .series td { width: 26%; }
.timeline tbody > tr > *, .series tbody > tr > * { vertical-align: middle; }
.timeline .total > * { border-bottom: 0; font-weight: 600; }
.timeline .total td { text-align: right; }
.track { stroke: var(--line); }
.span { fill: var(--accent); } .longest { fill: var(--skipped); }
.line { fill: none; stroke: var(--accent); stroke-width: 1.5; vector-effect: non-scaling-stroke; }
.line.moved { stroke: var(--failed); }
.series .bar { height: 1.6rem; }
.figures { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; }
figure { margin: 0; min-width: 0; }
figcaption { font-weight: 600; margin-bottom: 0.25rem; }
.state { font-size: 0.9rem; }
.state th[scope="row"] { width: 16rem; }
.state thead th { white-space: nowrap; }
.state td { font-family: var(--mono); font-size: 0.85rem; }
mark { background: var(--changed); color: inherit; padding: 0.1rem 0.3rem; margin-left: -0.3rem; border-radius: 2px; }
.whole { white-space: nowrap; }

@media (max-width: 48rem) {
  .overview { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 40rem) {
  .timeline, .series, .differences { min-width: 42rem; }
  .matrix .cell { width: 3.4rem; padding-left: 0.2rem; padding-right: 0.2rem; }
  .matrix th { padding-left: 0.4rem; }
  /* Below its marks, a row has room to its end. */
  .matrix details > dl { width: calc(100vw - 4rem); position: relative; }
  .filter { position: static; }
}
@media print {
  :root {
    --background: #fff; --panel: #fff; --ink: #000; --quiet: #444; --line: #bbb; --accent: #0a5aa8;
    --passed: #19703a; --failed: #c1121f; --skipped: #8a5a00; --failed-background: #fdecec; --changed: #fff4cf;
  }
  @page { margin: 14mm; }
  html { color-scheme: light; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  html { font-size: 10.5pt; }
  body { max-width: none; padding: 0; }
  .scripted .filter { display: none; }
  .wide { overflow: visible; }
  .timeline, .series, .state, .differences { font-size: 0.8rem; }
  .differences td { white-space: normal; }
  .bar { min-width: 1rem; }
  .number { min-width: 3.4rem; }
  .measured { gap: 0.4rem; }
  h2, h3 { break-after: avoid; }
  tr, figure, .failures > li, .versions li { break-inside: avoid; }
  .matrix th[scope="rowgroup"] { break-after: avoid; }
  thead { display: table-header-group; }
}
`;
