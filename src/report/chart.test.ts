import { describe, expect, it } from 'vitest';
import { chartSvg } from './chart.ts';
import type { Charted } from './chart.ts';

const from = Date.parse('2026-01-01T11:00:00Z') / 1000;
const mebi = 1024 ** 2;

/** 100 points a minute apart; null: none. */
const charted = (value: (index: number) => number | null, changes: Partial<Charted> = {}): Charted => ({
  title: 'memory of container app of pod/shop/web-1',
  sentence: 'Memory of container app of pod/shop/web-1 rose from 60Mi to 252Mi.',
  kind: 'memory',
  unit: 'bytes',
  threshold: 256 * mebi,
  from: '2026-01-01T11:00:00.000Z',
  to: '2026-01-01T12:39:00.000Z',
  step_seconds: 60,
  evidence_id: 'e7',
  points: Array.from({ length: 100 }, (_, index) => [from + index * 60, value(index)] as const).filter(
    (point): point is readonly [number, number] => point[1] !== null,
  ),
  ...changes,
});
const startsAt = '2026-01-01T11:49:30.000Z';
const ramp = (index: number): number => (60 + 2 * index) * mebi;
const pathsOf = (svg: string, name: string): readonly string[] =>
  [...svg.matchAll(new RegExp(`class="${name}" d="([^"]*)"`, 'g'))].map(([, way = '']) => way);
const textsOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = '']) => text);

describe('a chart', () => {
  it('has the line, the limit, the beginning of the alert, and words for who does not see it', () => {
    const svg = chartSvg(charted(ramp), startsAt);
    expect(svg).toBe(chartSvg(charted(ramp), startsAt));
    expect(pathsOf(svg, 'fist-l')).toHaveLength(1);
    expect(pathsOf(svg, 'fist-l')[0]).toMatch(/^M64 [\d.]+(?:L[\d.]+ [\d.]+){99}$/);
    expect(pathsOf(svg, 'fist-h')).toEqual(['M64 92H628']);
    expect(pathsOf(svg, 'fist-s')).toEqual(['M346 30V196']);
    expect(textsOf(svg)).toEqual([
      'memory of container app of pod/shop/web-1',
      '0',
      '128Mi',
      '256Mi',
      '384Mi',
      'limit 256Mi',
      'alert began',
      '2026-01-01 11:00',
      '2026-01-01 12:39 UTC',
    ]);
    expect(svg).toContain('role="img" aria-labelledby="e7-title e7-desc"');
    expect(svg).toContain('<title id="e7-title">memory of container app of pod/shop/web-1</title>');
    expect(svg).toContain(
      '<desc id="e7-desc">Memory of container app of pod/shop/web-1 rose from 60Mi to 252Mi.</desc>',
    );
    expect(svg).toContain('@media(prefers-color-scheme:dark)');
  });

  it('leaves gaps where nothing was measured, and shows what stands alone', () => {
    const svg = chartSvg(
      charted((index) => (index < 20 || index === 50 || index > 80 ? index * mebi : null)),
      startsAt,
    );
    expect(pathsOf(svg, 'fist-l')).toHaveLength(2);
    expect(svg.match(/<circle /g)).toHaveLength(1);
    const nothing = chartSvg(
      charted(() => null),
      startsAt,
    );
    expect(textsOf(nothing)).toContain('nothing was measured');
    expect(nothing).not.toContain('NaN');
  });

  it.each([
    ['flat at nothing', () => 0, { unit: 'number', threshold: null }],
    ['tiny', (index: number) => index * 1e-9, { unit: 'number', threshold: 1e-8 }],
    ['huge', (index: number) => index * 1e18, { unit: 'number', threshold: null }],
    ['below nothing', (index: number) => index - 50, { unit: 'number', threshold: -20 }],
    ['a part', (index: number) => (index % 10) / 12, { unit: 'ratio', threshold: null }],
    ['thousandths of cores', () => 0.05, { unit: 'cores', threshold: 0.5 }],
    ['few bytes', (index: number) => index, { unit: 'bytes', threshold: null }],
    ['many bytes', (index: number) => 5e12 + index, { unit: 'bytes', threshold: null }],
  ] as const)('keeps what is %s within its frame, with two to six lines across', (_, value, changes) => {
    const svg = chartSvg(charted(value, changes), startsAt);
    const drawn = [...pathsOf(svg, 'fist-l'), ...pathsOf(svg, 'fist-h')].join(' ').matchAll(/[ML]([\d.-]+) ([\d.-]+)/g);
    for (const [, x, y] of drawn) {
      expect(Number(x)).toBeGreaterThanOrEqual(64);
      expect(Number(x)).toBeLessThanOrEqual(628);
      expect(Number(y)).toBeGreaterThanOrEqual(40);
      expect(Number(y)).toBeLessThanOrEqual(196);
    }
    expect(svg).not.toMatch(/NaN|Infinity/);
    const lines = pathsOf(svg, 'fist-a').length;
    expect(lines).toBeGreaterThanOrEqual(2);
    expect(lines).toBeLessThanOrEqual(6);
  });

  it('takes texts as texts, and is bounded', () => {
    const hostile = `</title><script>alert(1)</script>" onload='x' & \u001b[2J ${'x'.repeat(5000)}`;
    const svg = chartSvg(
      charted(() => null, { title: hostile, sentence: hostile }),
      startsAt,
    );
    expect(svg).not.toMatch(/<script|onload='/);
    expect(svg).not.toContain('\u001b');
    expect(svg).not.toMatch(/https?:(?!\/\/www\.w3\.org\/2000\/svg)|href|url\(/);
    const zigzag = charted((index) => (index % 2) * 1e9 + Math.PI, { title: hostile, sentence: hostile });
    const dots = { ...zigzag, step_seconds: 1 };
    for (const one of [zigzag, dots]) expect(Buffer.byteLength(chartSvg(one, startsAt))).toBeLessThan(8192);
  });

  it('does not mark a beginning that lies outside of it', () => {
    for (const at of [null, '2026-01-01T10:59:00.000Z', '2026-01-01T13:00:00.000Z'])
      expect(pathsOf(chartSvg(charted(ramp), at), 'fist-s')).toEqual([]);
  });
});
