import type { Measurement } from '../core/finding.ts';
import { toEpochMs } from '../core/time.ts';
import type { Timestamp } from '../core/time.ts';
import { amountText } from '../lib/amount-text.ts';
import type { AmountUnit } from '../lib/amount-text.ts';
import { oneLine } from '../lib/printable.ts';
import { shownMeasurements } from './words.ts';

/** What a chart shows; all but what it is drawn from may be missing. */
export type Charted = Pick<
  Measurement,
  'title' | 'sentence' | 'unit' | 'threshold' | 'from' | 'to' | 'step_seconds' | 'points' | 'evidence_id' | 'kind'
>;

/** Measurements with charts of those that people are shown. */
export function withCharts(all: readonly Measurement[], startsAt: Timestamp | null): readonly Measurement[] {
  const shown = new Set(shownMeasurements(all));
  return all.map((one) => (shown.has(one) ? { ...one, chart: chartSvg(one, startsAt) } : one));
}

const [width, height] = [640, 224] as const;
/** Of what is drawn in, within the picture. */
const plot = { left: 64, right: 628, top: 40, bottom: 196 } as const;
const mostTitle = 86;

/**
 * Colours for light and dark, in one style; names begin with `fist-`, because a style within a page counts for all of it. Contrast of
 * text to its ground is above 4.5 in both (WCAG 2.2, 1.4.3); lines differ by their dashes as well.
 */
const style = [
  '.fist-g{fill:#fff}.fist-t{fill:#24292f;font:12px sans-serif}.fist-a{stroke:#d0d7de;fill:none}',
  '.fist-l{stroke:#0550ae;stroke-width:1.5;fill:none}.fist-p{fill:#0550ae}',
  '.fist-h{stroke:#b35900;stroke-dasharray:6 3;fill:none}.fist-s{stroke:#8250df;stroke-dasharray:2 3;fill:none}',
  '@media(prefers-color-scheme:dark){.fist-g{fill:#0d1117}.fist-t{fill:#e6edf3}.fist-a{stroke:#30363d}',
  '.fist-l{stroke:#79c0ff}.fist-p{fill:#79c0ff}.fist-h{stroke:#f0a35e}.fist-s{stroke:#d2a8ff}}',
].join('');

/**
 * A measurement as an SVG: the line, with gaps where nothing was measured, its limit or what it is compared with, and the moment when
 * the alert began (null: none). The same input gives the same bytes, at most about 6 KiB. Texts are escaped, there is no script and
 * nothing that is loaded; `title` and `desc` say for who does not see it what the sentence says.
 */
export function chartSvg(one: Charted, startsAt: Timestamp | null): string {
  const { title, sentence, unit, threshold, kind, evidence_id: id } = one;
  const [fromMs, toMs] = [toEpochMs(one.from), Math.max(toEpochMs(one.to), toEpochMs(one.from) + 1000)];
  const axis = axisOf(
    one.points.map(([, value]) => value),
    threshold,
    unit,
  );
  const x = (ms: number): string => number(plot.left + ((ms - fromMs) / (toMs - fromMs)) * (plot.right - plot.left));
  const y = (value: number): string =>
    number(plot.bottom - ((value - axis.low) / (axis.high - axis.low)) * (plot.bottom - plot.top));
  const startMs = startsAt === null ? null : toEpochMs(startsAt);
  const isShown = startMs !== null && startMs >= fromMs && startMs <= toMs;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="${id}-title ${id}-desc">`,
    `<title id="${id}-title">${escaped(title, 200)}</title><desc id="${id}-desc">${escaped(sentence, 600)}</desc>`,
    `<style>${style}</style><rect class="fist-g" width="${width}" height="${height}" rx="6"/>`,
    text(12, 20, cut(title), 'start'),
    ...axis.ticks.map(
      (tick) =>
        `<path class="fist-a" d="M${plot.left} ${y(tick)}H${plot.right}"/>${text(plot.left - 6, Number(y(tick)) + 4, amountText(tick, unit), 'end')}`,
    ),
    ...(threshold === null
      ? []
      : [
          `<path class="fist-h" d="M${plot.left} ${y(threshold)}H${plot.right}"/>`,
          text(
            plot.right - 4,
            Number(y(threshold)) - 4,
            `${kind === 'alert' ? 'threshold' : 'limit'} ${amountText(threshold, unit)}`,
            'end',
          ),
        ]),
    ...(isShown
      ? [`<path class="fist-s" d="M${x(startMs)} ${plot.top - 10}V${plot.bottom}"/>`, ...startLabel(Number(x(startMs)))]
      : []),
    ...lines(one, (ms) => x(ms), y),
    text(plot.left, height - 10, clock(fromMs), 'start'),
    text(plot.right, height - 10, `${clock(toMs)} UTC`, 'end'),
    ...(one.points.length === 0 ? [text((plot.left + plot.right) / 2, 116, 'nothing was measured', 'middle')] : []),
    '</svg>',
  ].join('\n');
}

/** `alert began`, on the side of its line where there is room. */
function startLabel(at: number): readonly string[] {
  const isRight = at > plot.right - 90;
  return [text(isRight ? at - 4 : at + 4, plot.top - 2, 'alert began', isRight ? 'end' : 'start')];
}

/** A line for each stretch without a gap; what stands alone is a dot. */
function lines(
  { points, step_seconds: stepSeconds }: Charted,
  x: (ms: number) => string,
  y: (value: number) => string,
): readonly string[] {
  const stretches: (readonly (readonly [number, number])[])[] = [];
  for (const [at, value] of points) {
    const last = stretches.at(-1);
    const before = last?.at(-1)?.[0];
    const isNext = last !== undefined && before !== undefined && at - before <= stepSeconds * 1.5;
    if (isNext) stretches[stretches.length - 1] = [...last, [at, value]];
    else stretches.push([[at, value]]);
  }
  return stretches.map((stretch) => {
    const [only] = stretch;
    if (stretch.length === 1 && only !== undefined)
      return `<circle class="fist-p" cx="${x(only[0] * 1000)}" cy="${y(only[1])}" r="2"/>`;
    const way = stretch.map(([at, value]) => `${x(at * 1000)} ${y(value)}`).join('L');
    return `<path class="fist-l" d="M${way}"/>`;
  });
}

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/** From 0, or below it, to a round number above all that is drawn, with a line at two to five round numbers. */
function axisOf(values: readonly number[], threshold: number | null, unit: AmountUnit): Axis {
  const all = [...values, ...(threshold === null ? [] : [threshold]), 0];
  const [lowest, highest] = [Math.min(...all), Math.max(...all)];
  const span = highest - lowest || 1;
  // Bytes are round in powers of two.
  const base = unit === 'bytes' ? 2 : 10;
  const size = base ** Math.floor(Math.log(span) / Math.log(base) + 1e-9);
  const parts = unit === 'bytes' ? [0.5, 1] : [0.5, 1, 2, 2.5, 5];
  const step = size * (parts.find((part) => span * 1.08 <= part * size * 4) ?? 5);
  const [first, last] = [Math.floor(lowest / step + 1e-9), Math.ceil((highest + span * 0.08) / step)];
  const ticks = Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
  return { low: first * step, high: last * step, ticks };
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text class="fist-t" x="${number(x)}" y="${number(y)}" text-anchor="${anchor}">${escaped(words, 200)}</text>`;
}

function cut(title: string): string {
  const line = oneLine(title, 300);
  return line.length <= mostTitle ? line : `${line.slice(0, mostTitle - 1)}…`;
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function clock(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}

/** Text in which XML reads nothing. */
function escaped(words: string, limit: number): string {
  return oneLine(words, limit).replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
