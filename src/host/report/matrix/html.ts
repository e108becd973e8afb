/**
 * A matrix as one page (src/host/report/page.ts): what was tested by versions of Xen, in areas. A list is a matrix with one
 * column.
 */
import { formatMs, plural } from "../../base/text.js";
import { html, type Markup } from "../markup.js";
import { pageOf } from "../page.js";
import { countRuns, runFailed, type Report } from "./model.js";
import { failureList, matrixTable, versionList } from "./page/matrix.js";
import { overview } from "./page/overview.js";
import { SCRIPT } from "./page/script.js";
import { STYLE } from "./page/style.js";
import { describeCounts, describeShard } from "./reporter.js";

/** What a suite calls its page, and what is in it. */
export interface MatrixPage {
  /** "Soft reset conformance". */
  heading: string;
  /** The command that makes it: "xenlet conform". */
  generator: string;
  /** A row, in one word: "check". */
  row: string;
  /** The command that repeats the run. */
  again: string;
  /** What stands below the matrix. */
  figures?: Markup[];
}

/** The document's text. */
export function matrixPage(report: Report, page: MatrixPage): string {
  return pageOf({
    title: `${page.heading}, Xen ${report.runs.map(({ label }) => label).join(", ")}`,
    generator: page.generator,
    style: STYLE,
    script: SCRIPT,
    body: body(report, page),
  });
}

function body(report: Report, { heading, generator, row, again, figures }: MatrixPage): Markup {
  const rows = `${row}s`;
  const title = `${rows.charAt(0).toUpperCase()}${rows.slice(1)} by versions of Xen`;
  return html`<a class="skip" href="#matrix">To the matrix</a>
    <header>
      <h1>${heading}</h1>
      ${verdict(report, row)}
    </header>
    <main>
      ${overview(report)} ${versionList(report)} ${failureList(report)}
      <section aria-labelledby="matrix">
        <h2 id="matrix">${title}</h2>
        ${filter(rows)} ${matrixTable(report, title, row)}
      </section>
      ${figures ?? []}
    </main>
    <footer>
      Made by <code>${generator}</code>. To repeat it:
      <code>${again}</code>
    </footer>`;
}

function verdict(report: Report, row: string): Markup {
  const { failed, problems } = countRuns(report.runs);
  const bad = report.runs.some(runFailed);
  const words = bad
    ? `${failed} failed${problems === 0 ? "" : `, and ${plural(problems, "other problem")}`}.`
    : report.runs.length === 0
      ? "Nothing was tested."
      : "Nothing failed.";
  const shard = describeShard(report);
  return html`<p class="verdict">
      <strong class="${bad || report.runs.length === 0 ? "failed" : "passed"}">${words}</strong>
      ${describeCounts(report.runs, row)}.
    </p>
    <p class="facts">
      Began ${report.began.replace("T", " ").replace(/(\.\d+)?Z$/, " UTC")}, took
      ${formatMs(report.durationMs)}${shard === "" ? "" : `; ${shard}`}.
    </p>`;
}

function filter(rows: string): Markup {
  return html`<form class="filter" aria-label="Which ${rows} are shown" data-rows="${rows}">
    <fieldset>
      <legend class="unseen">Show</legend>
      <label><input type="radio" name="show" value="all" checked /> All</label>
      <label><input type="radio" name="show" value="failed" /> Failed</label>
      <label><input type="radio" name="show" value="skipped" /> Skipped</label>
    </fieldset>
    <label>
      <span class="unseen">Part of a name</span>
      <input type="search" name="words" placeholder="part of a name" autocomplete="off" />
    </label>
    <output name="count" aria-live="polite"></output>
  </form>`;
}
