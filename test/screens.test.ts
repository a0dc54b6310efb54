import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { styled } from '../src/lib/styled.ts';
import { listFormats } from '../src/cli/formats.ts';
import { nouns } from '../src/cli/nouns/index.ts';
import { buildProgram } from '../src/cli/program.ts';
import { textWidth } from '../src/lib/text-width.ts';
import { repositoryRoot } from './support/processes.ts';
import { runFist } from './support/program.ts';
import { alerts, lookedAt, startScreens } from './support/screens.ts';

// What a person sees: main screens as text files, and what must hold for every screen.

let screens: Awaited<ReturnType<typeof startScreens>>;
beforeAll(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: lookedAt });
  screens = await startScreens();
});
afterAll(async () => {
  await screens.close();
  vi.useRealTimers();
});

/** On a terminal of this width; null = none. */
const show = (words: readonly string[], columns: number | null = null) =>
  runFist(words, screens.env, columns === null ? {} : { columns });

/** Everything but line ends that a terminal would act on. */
const control = /(?!\n)\p{Cc}|[\u200b-\u200f\u202a-\u202e\u2066-\u2069]/u;

/** Without what is another in each run or version. */
const steady = (text: string) =>
  text
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:8080')
    .replace(/^fist \d\S*/gm, 'fist 1.0.0')
    .replace(/[\d.]+ [KM]iB, schema \d+/, '1.0 MiB, schema 1');

const widest = (text: string) => Math.max(...text.split('\n').map((line) => textWidth(line)));

const formats = [
  ...listFormats,
  'jsonpath={.items[*]}',
  'custom-columns=ALL:.,AGAIN:.',
  'custom-columns=ID:.id,NAME:.metadata.name',
];

describe.each(nouns.map(({ plural, key }) => ({ noun: plural, key })))('get $noun', ({ noun, key }) => {
  test.each(formats)('-o %s: the result on stdout alone, and nothing that a terminal acts on', async (format) => {
    const answer = await show(['get', noun, '-o', format]);
    expect(answer).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string });
    expect(answer.out).not.toMatch(control);
    expect(answer.err).not.toMatch(control);
    expect((await show(['get', noun, '-o', format, '--quiet'])).err).toBe('');
  });

  test.each([80, 100, 120])('a table fits %i columns', async (columns) => {
    const { out } = await show(['get', noun], columns);
    expect(widest(out)).toBeLessThanOrEqual(columns);
    const whole = await show(['get', noun]);
    expect(out.split('\n')).toHaveLength(whole.out.split('\n').length);
    expect(whole.out).not.toMatch(/…\s|…$/);
  });

  test('without headings', async () => {
    const { out } = await show(['get', noun]);
    const [headings, ...rows] = out.trimEnd().split('\n');
    expect((await show(['get', noun, '--no-headers'])).out.trimEnd().split('\n')).toEqual(rows);
    expect(headings).toMatch(/^[A-Z]+( {2,}[A-Z]+)*$/);
  });

  // What is only counted is one page, and none of it can be shown alone.
  test.skipIf(key === null)('sorted, one at a time', async () => {
    const rows = (await show(['get', noun, '--no-headers'])).out.trimEnd().split('\n');
    const path = ['get', noun, '-o', 'jsonpath={range .items[*]}{.id}{.metadata.name}{"\\n"}{end}'];
    const keys = (await show(path)).out.trimEnd().split('\n');
    const sorted = (await show([...path, '--sort-by', keys[0]?.includes('-') === true ? 'id' : '.metadata.name'])).out;
    expect(sorted.trimEnd().split('\n')).toEqual(keys.toSorted());
    const names = (await show(['get', noun, '-o', 'name'])).out.trimEnd().split('\n');
    expect(names).toHaveLength(rows.length);
    for (const name of names) {
      expect((await show(['get', name, '-o', 'name'])).out).toBe(`${name}\n`);
      const described = await show(['describe', name], 80);
      expect(described).toMatchObject({ code: 0, err: '' });
      expect(described.out).not.toMatch(control);
    }
  });

  test.skipIf(key === null)('a page at a time, all are seen once', async () => {
    const seen: string[] = [];
    let more: readonly string[] = [];
    for (let pages = 0; pages < 20; pages++) {
      const { out, err } = await show(['get', noun, '-o', 'name', '--limit', '1', ...more]);
      seen.push(out);
      const cursor = /--continue (\S+)\n$/.exec(err)?.[1];
      if (cursor === undefined) break;
      more = ['--continue', cursor];
    }
    expect(seen.join('')).toBe((await show(['get', noun, '-o', 'name'])).out);
  });
});

test('help of every command fits 80 columns', async () => {
  const lines = async (words: readonly string[]) =>
    (await show([...words, '--help'], 80)).out.split('\n').filter((line) => textWidth(line) > 80);
  const program = buildProgram({ out: () => undefined, err: () => undefined, colour: false, env: {} });
  const words = program.commands.flatMap((command) => [
    [command.name()],
    ...command.commands.map((child) => [command.name(), child.name()]),
  ]);
  expect((await Promise.all([[], ...words].map(lines))).flat()).toEqual([]);
});

test('wide characters are measured as they are shown: columns begin at the same place in every line', async () => {
  for (const columns of [80, 120]) {
    const { out } = await show(
      ['get', 'alerts', '-o', 'custom-columns=NAME:.name,POD:.labels.pod,END:.status'],
      columns,
    );
    const lines = out.trimEnd().split('\n');
    const starts = lines.map((line) => textWidth(line) - textWidth(/\S+$/.exec(line)?.[0] ?? ''));
    expect(new Set(starts).size).toBe(1);
  }
});

test('what is printed to be copied is in the words in which the program was called', async () => {
  const called = 'npx punching-fist';
  const run = await runFist(['describe', 'run/@latest', '--evidence'], screens.env, { called });
  expect(run.out).toContain('  2. npx punching-fist serve --resources DIR --context NAME\n');
  for (const words of [
    ['describe', 'alert/KubePodCrashLooping'],
    ['why', 'KubePodCrashLooping'],
    ['describe', `delivery/${screens.failedDelivery}`],
    ['get', 'runs', '--limit', '1'],
    ['status'],
  ]) {
    const { out, err } = await runFist(words, screens.env, { called });
    expect(out + err).toMatch(/npx punching-fist [a-z]/);
    expect(out + err).not.toMatch(/(?<!punching-)fist (?:get|describe|why|retry|investigate)/);
  }
});

test('colours say what the words say too, and change nothing else', async () => {
  const plain = await show(['get', 'alerts'], 80);
  const coloured = await runFist(['get', 'alerts'], screens.env, { columns: 80, colour: true });
  expect(coloured.out).toContain(`${styled(['bold', 'red'], 'critical')}  `);
  expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
});

test('short ids of one table are told apart, and each names what it stands for', async () => {
  const rows = (await show(['get', 'runs', '--no-headers'])).out.trimEnd().split('\n');
  const ids = rows.map((row) => row.split(' ')[0] ?? '');
  expect(new Set(ids).size).toBe(rows.length);
  for (const id of ids) expect((await show(['get', 'run', id, '--no-headers'])).out).toMatch(/^\S{8,} /);
});

test.each(['bad-rollout', 'pending-pod', 'oom-crash-loop'])('scan of %s fits 80 columns', async (story) => {
  const scan = ['scan', '--dump', `${repositoryRoot}examples/${story}/dump`];
  const { out } = await show(scan, 80);
  expect(widest(out)).toBeLessThanOrEqual(80);
  expect(out.split('\n')).toHaveLength((await show(scan)).out.split('\n').length);
});

test('a wider terminal shows more of a text, and none of it is lost without one', async () => {
  const long = alerts[3].name;
  const cells = async (columns: number | null) => (await show(['get', 'alerts'], columns)).out;
  expect(await cells(null)).toContain(long);
  expect(await cells(260)).toContain(long);
  expect(await cells(80)).not.toContain(long);
});

test.each<readonly [string, readonly string[], number]>([
  ['get-alerts-80', ['get', 'alerts'], 80],
  ['get-alerts-120', ['get', 'alerts'], 120],
  ['get-runs-80', ['get', 'runs'], 80],
  ['get-runs-120', ['get', 'runs'], 120],
  ['get-deliveries-80', ['get', 'deliveries'], 80],
  ['get-deliveries-120', ['get', 'deliveries'], 120],
  ['get-events-80', ['get', 'events'], 80],
  ['get-dead-letters-80', ['get', 'dead-letters'], 80],
  ['get-sources-80', ['get', 'sources'], 80],
  ['get-sinks-wide-120', ['get', 'sinks', '-o', 'wide'], 120],
  ['get-workflows-80', ['get', 'workflows'], 80],
  ['get-gaps-80', ['get', 'gaps'], 80],
  ['get-gaps-wide-120', ['get', 'gaps', '-o', 'wide'], 120],
  ['why-80', ['why', 'KubePodCrashLooping'], 80],
  ['why-120', ['why', 'KubePodCrashLooping'], 120],
  ['describe-alert-80', ['describe', 'alert/KubePodCrashLooping'], 80],
  ['describe-alert-120', ['describe', 'alert/KubePodCrashLooping'], 120],
  ['describe-run-80', ['describe', 'run/@latest'], 80],
  ['describe-run-120', ['describe', 'run/@latest'], 120],
  ['describe-delivery-80', ['describe', 'delivery/@latest'], 80],
  ['status-80', ['status'], 80],
  ['status-120', ['status'], 120],
  ['help-80', ['--help'], 80],
  ['help-120', ['--help'], 120],
  ['get-help-80', ['get', '--help'], 80],
])('%s looks as it should', async (name, words, columns) => {
  const { out, err } = await show(words, columns);
  expect(widest(out)).toBeLessThanOrEqual(columns);
  await expect(steady(out + err)).toMatchFileSnapshot(`screens/${name}.txt`);
});
