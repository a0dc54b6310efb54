import { parse } from 'yaml';
import { describe, expect, test } from 'vitest';
import { AppError } from '../core/errors.ts';
import { reportFailure } from './failure.ts';
import { listFormats, readListFormat } from './formats.ts';
import { printItems } from './output.ts';
import type { Listing, Terminal } from './output.ts';

/** Clears the screen (7 and 8 bit), reorders, hides. */
const hostile = 'a\u001b[2J\u009b2J\u202e\ufeff\u{e0041}\u2028b';
// oxlint-disable-next-line no-control-regex, no-misleading-character-class -- control characters are the subject
const acted = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\ufeff\u2028\u{e0041}]/u;

function terminal(): Terminal & { text(): string } {
  let text = '';
  const write = (part: string): void => {
    text += part;
  };
  return { out: write, err: write, colour: false, env: {}, text: () => text };
}

const listing: Listing<{ name: string }> = {
  columns: [
    { heading: 'NAME', text: ({ name }) => name },
    { heading: 'MORE', text: () => 'x' },
  ],
  name: () => 'alert/1',
  empty: 'none',
};

async function show(format: string, name: string): Promise<string> {
  const to = terminal();
  await printItems(to, readListFormat(format), [{ name }], listing);
  return to.text();
}

describe('text of alerts on a terminal', () => {
  test.each([...listFormats, 'jsonpath={.items[*].name}', 'custom-columns=NAME:.name'])(
    '-o %s holds nothing that a terminal acts on',
    async (format) => {
      expect(await show(format, hostile)).not.toMatch(acted);
    },
  );

  test('JSON and YAML read back the same', async () => {
    const items = [{ name: hostile }];
    expect(JSON.parse(await show('json', hostile))).toEqual({ items });
    expect(parse(await show('yaml', hostile))).toEqual({ items });
  });

  test('a name of megabytes does not break a table; JSON shows it whole', async () => {
    const long = 'x'.repeat(2_000_000);
    expect((await show('table', long)).length).toBeLessThan(1000);
    expect(await show('json', long)).toContain(long);
  });

  test('errors that quote a file are safe too', () => {
    for (const asJson of [false, true]) {
      const to = terminal();
      expect(reportFailure(to, new AppError('InvalidInput', hostile, { field: hostile, next: hostile }), asJson)).toBe(
        2,
      );
      expect(to.text()).not.toMatch(acted);
    }
  });
});
