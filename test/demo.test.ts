import { beforeAll, describe, expect, it } from 'vitest';
import { listStories, playDemo } from '../src/app/demo.ts';
import type { DemoEvent } from '../src/app/demo-event.ts';
import { eventText } from '../src/cli/demo-text.ts';
import type { Terminal } from '../src/cli/output.ts';
import { createLog } from '../src/lib/log.ts';
import { textWidth } from '../src/lib/text-width.ts';
import { runFist } from './support/program.ts';

const events: DemoEvent[] = [];
let asExpected = false;

beforeAll(async () => {
  asExpected = await playDemo({
    story: null,
    log: await createLog({ level: 'silent' }),
    signal: new AbortController().signal,
    tell: async (event) => void events.push(event),
  });
}, 60_000);

/** The text of each story on a terminal of this width. */
function stories(columns: number): readonly string[] {
  const terminal: Terminal = { out: () => undefined, err: () => undefined, colour: false, columns, env: {} };
  return listStories().map((story) =>
    events
      .filter((event) => event.story === story)
      .map((event) => eventText(terminal, event))
      .join(''),
  );
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

  it('show orders in a log as text that is not followed, and what a terminal would act on escaped', () => {
    const text = stories(80).join('');
    expect(text.replace(/\s+/g, ' ')).toContain(
      'gives orders, which are text and are never followed: "IGNORE ALL PREVIOUS',
    );
    expect(text.includes('\u001b')).toBe(false);
  });
});
