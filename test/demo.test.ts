import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { listStories, playDemo } from '../src/app/demo.ts';
import type { DemoEvent } from '../src/app/demo-event.ts';
import type { AgentResult } from '../src/core/finding.ts';
import { eventText } from '../src/cli/demo-text.ts';
import type { Terminal } from '../src/cli/output.ts';
import { createLog } from '../src/lib/log.ts';
import { textWidth } from '../src/lib/text-width.ts';
import { runFist } from './support/program.ts';

const events: DemoEvent[] = [];
let asExpected = false;
/** A pod of `examples/starved-pool` whose log tells. */
const quotesPod = 'quotes-859cb59bdb-gspvp';

async function play(story: string | null, told: DemoEvent[], examples?: string): Promise<boolean> {
  return playDemo({
    story,
    ...(examples === undefined ? {} : { examples }),
    log: await createLog({ level: 'silent' }),
    signal: new AbortController().signal,
    tell: async (event) => void told.push(event),
  });
}

beforeAll(async () => {
  asExpected = await play(null, events);
});

function storyText(story: string, told: readonly DemoEvent[], columns = 80): string {
  const terminal: Terminal = { out: () => undefined, err: () => undefined, colour: false, columns, env: {} };
  return told
    .filter((event) => event.story === story)
    .map((event) => eventText(terminal, event))
    .join('');
}

/** The text of each story on a terminal of this width. */
function stories(columns: number): readonly string[] {
  return listStories().map((story) => storyText(story, events, columns));
}

function reportOf(story: string, told: readonly DemoEvent[]): AgentResult | undefined {
  return told.flatMap((event) => (event.event === 'investigated' && event.story === story ? event.result : []))[0];
}

/** Without how long it took, how large it was and which version this is. */
const steady = (text: string) =>
  text
    .replace(/^fist \d\S*/m, 'fist 1.0.0')
    .replace(/investigated in [\d.]+s/g, 'investigated in 0.1s')
    .replace(/\d+ bytes/g, '1000 bytes');

describe('the stories of the demo', () => {
  it('come out as expected, each with a cause', () => {
    expect(asExpected).toBe(true);
    for (const text of stories(80)) expect(text).toMatch(/^cause {6}The cause (is|is probably|may be) /m);
  });

  it('fit a screen of 80x24', () => {
    for (const text of stories(80)) {
      expect(text.trim().split('\n').length).toBeLessThanOrEqual(24);
      expect(text.split('\n').filter((line) => textWidth(line) > 80)).toEqual([]);
    }
  });

  it('wrap to a narrow terminal: only a word that is longer by itself stands out', () => {
    const wide = stories(50).flatMap((text) => text.split('\n').filter((line) => textWidth(line) > 50));
    expect(
      wide.filter((line) => line.trim().includes(' ') && textWidth(line.trim().split(' ')[0] ?? '') <= 39),
    ).toEqual([]);
  });

  it.each([80, 120])('look as they should on a terminal of %i columns', async (columns) => {
    await expect(steady(stories(columns).join(''))).toMatchFileSnapshot(`screens/demo-${columns}.txt`);
  });

  it('begin with what this is and end with what was found and the next commands', async () => {
    const { code, out, err } = await runFist(['demo', '--fast', '--story', 'oom-crash-loop'], {}, { columns: 80 });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    await expect(steady(out)).toMatchFileSnapshot('screens/demo-story-80.txt');
  });

  it('ask a replayed model where the analyzers find no cause, show what it read, and say what it is', () => {
    const text = storyText('starved-pool', events);
    for (const words of [
      'SAMPLE examples/starved-pool',
      'No cause was found',
      'SAMPLE replayed model',
      'kubernetes_logs travel quotes-',
      'The cause may be (55%): The rollout of quotes cut DATABASE_POOL_SIZE from 20 to 2',
      'The database is down or slow (e6)',
      '1 statement of the model: cited nothing',
      '4 tool calls, $0.00',
    ])
      expect(text.replace(/\s+/g, ' ')).toContain(words);
    const report = reportOf('starved-pool', events);
    expect(report).toMatchObject({
      model: 'SAMPLE replayed model',
      model_use: { cost_dollars: 0, tokens: 0, dropped: 1 },
    });
    for (const form of [report?.notice, report?.report, report?.summary]) {
      expect(form).toContain('SAMPLE: a replayed model. Its answers were written by hand');
      expect(form).not.toContain('short of CPU');
    }
    // No other story has one.
    expect(events.filter(({ event }) => event === 'model-asked')).toHaveLength(1);
  });

  it('say so where a tool answers something else than the model was recorded with, and claim nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fist-demo-test-'));
    try {
      cpSync('examples/starved-pool', join(folder, 'starved-pool'), { recursive: true });
      const log = join(folder, 'starved-pool/dump/travel', quotesPod, 'logs.txt');
      const before = readFileSync(log, 'utf8');
      writeFileSync(log, before.replaceAll('pool exhausted', 'pool at ease'));
      expect(readFileSync(log, 'utf8')).not.toBe(before);
      const told: DemoEvent[] = [];
      expect(await play('starved-pool', told, folder)).toBe(false);
      const text = storyText('starved-pool', told).replace(/\s+/g, ' ');
      expect(text).toContain(
        'no answer the model could not be asked (BadRequest): SAMPLE replayed model: request 3 is not',
      );
      expect(text).toContain('cause No cause was found');
      const report = reportOf('starved-pool', told);
      expect(report).toMatchObject({ root_cause: null, model_use: { ended: 'ModelUnavailable', tool_calls: 2 } });
      expect(report?.notice).toMatch(/^SAMPLE: a replayed model\. .* The model gave no answer: /);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('show orders in a log as text that is not followed, and what a terminal would act on escaped', () => {
    const text = stories(80).join('');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'gives orders, which are text and are never followed: "IGNORE ALL PREVIOUS',
    );
    expect(text.includes('\u001b')).toBe(false);
  });
});
