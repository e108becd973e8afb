/** A story as one picture, SVG: three lanes from top to bottom, a step a row, and what the step changed in the domain's state. */
import { html, Markup } from "../../../report/markup.js";
import { LANES, laneFills } from "./lanes.js";
import { showChange, type StoryStep, type ToldStory } from "./steps.js";
import type { Lane } from "./story.js";

const X: Readonly<Record<Lane, number>> = { guest: 40, toolstack: 110, xen: 180 };
const TEXT_X = 225;
const WIDTH = 900;
const HEAD = 84;
const ROW = 28;
const LINE = 19;
/** Of the text that fits behind the lanes, by the widths of common fonts. */
const MAX_CHARACTERS = 92;

const STYLE = `
  .paper { fill: #ffffff; } text { fill: #1a1f26; font: 14px system-ui, "DejaVu Sans", sans-serif; }
  .title { font-size: 17px; font-weight: 600; } .head { font-weight: 600; text-anchor: middle; }
  .number, .quiet { fill: #57606a; } .small { font-size: 12.5px; }
  .changed { font-size: 12.5px; font-weight: 600; }
  .lane, .call { stroke: #b6bdc6; stroke-width: 1.5; } .call { stroke-dasharray: 3 3; }
  ${laneFills("light")}
  @media (prefers-color-scheme: dark) {
    .paper { fill: #101418; } text { fill: #e4e8ec; } .number, .quiet { fill: #9da7b1; }
    .lane, .call { stroke: #4a535d; }
    ${laneFills("dark")}
  }
`;

/** A whole SVG document. `title` also stands in the picture; the steps are its description. */
export function lanesPicture(story: ToldStory, title: string): string {
  let y = HEAD;
  const rows: Markup[] = [];
  for (const step of story.steps) {
    const { markup, height } = row(step, y);
    rows.push(markup);
    y += height;
  }
  const height = y + 40;
  const steps = story.steps.map(({ number, text }) => `${number}. ${text}`).join(" ");
  const style = new Markup(`<style>${STYLE}</style>`);
  return `${
    html`<svg
      xmlns="http://www.w3.org/2000/svg"
      viewBox="0 0 ${WIDTH} ${height}"
      role="img"
      aria-labelledby="title description"
    >
      <title id="title">${title}</title>
      <desc id="description">${steps} ${story.text}.</desc>
      ${style}
      <rect class="paper" width="${WIDTH}" height="${height}" />
      <text class="title" x="20" y="28">${title}</text>
      ${LANES.map(
        ({ name, lane }) =>
          html`<text class="head" x="${X[lane]}" y="58">${name}</text>
            <line class="lane" x1="${X[lane]}" x2="${X[lane]}" y1="66" y2="${y}" />`,
      )}
      ${rows}
      <text class="quiet" x="20" y="${height - 14}">${story.text}</text>
    </svg>`.text
  }\n`;
}

function row(step: StoryStep, top: number): { markup: Markup; height: number } {
  let y = top + 18;
  const lines: Markup[] = [
    mark(step.lane, y - 5),
    html`<text x="${TEXT_X}" y="${y}"
      ><tspan class="number">${step.number}.</tspan> ${shorten(step.text)}</text
    >`,
  ];
  // What the guest says of itself is in the story's text; a picture has what passes between the lanes.
  for (const { lane, text } of step.details.filter((detail) => detail.lane === "xen")) {
    y += LINE;
    lines.push(
      html`<line class="call" x1="${X[step.lane]}" x2="${X.xen}" y1="${y - 4}" y2="${y - 4}" />`,
      mark(lane, y - 4),
      html`<text class="small" x="${TEXT_X + 20}" y="${y}">${shorten(text)}</text>`,
    );
  }
  for (const change of step.changes) {
    y += LINE;
    lines.push(
      html`<text class="changed" x="${TEXT_X + 20}" y="${y}"
        >Δ ${shorten(`${change.part}: ${showChange(change)}`)}</text
      >`,
    );
  }
  return { markup: html`${lines}`, height: y - top - 18 + ROW };
}

/** A circle, a square, a diamond. */
function mark(lane: Lane, y: number): Markup {
  const x = X[lane];
  switch (lane) {
    case "guest":
      return html`<circle class="guest" cx="${x}" cy="${y}" r="6" />`;
    case "toolstack":
      return html`<rect class="toolstack" x="${x - 5.5}" y="${y - 5.5}" width="11" height="11" />`;
    case "xen":
      return html`<path class="xen" d="M${x} ${y - 7}l7 7l-7 7l-7 -7z" />`;
  }
}

function shorten(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS - 1)}…`;
}
