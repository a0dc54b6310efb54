import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { sinks } from '../src/sinks/index.ts';
import { sourceDefinitions } from '../src/sources/index.ts';
import { faults } from './support/faulty-peer.ts';
import { injections } from './support/injections.ts';
import { repositoryRoot } from './support/processes.ts';

// Every Sink and every Source is in the suites and in the examples: a new one that is not fails here.

const read = (path: string): string => readFileSync(repositoryRoot + path, 'utf8');

/** Why the suite of sinks cannot feed a Sink, and which test has its faults and the hostile text instead. */
const besides: Readonly<Record<string, { readonly why: string; readonly test: string }>> = {
  stdout: { why: 'it writes to the output of its own process', test: 'src/sinks/stdout.test.ts' },
  file: { why: 'it writes to a file', test: 'src/sinks/file.test.ts' },
  workflow: { why: 'it writes a row of the store that it is delivered from', test: 'src/sinks/workflow.test.ts' },
};

const camelCase = (type: string): string => type.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** The names of the backends that files give to `testSink`, beside the sinks or among the tests with processes of their own. */
function backendsInSuite(): readonly string[] {
  return globSync(['src/sinks/*.test.ts', 'test/real/sink-*.test.ts'], { cwd: repositoryRoot })
    .map(read)
    .filter((text) => /\btestSink\(/.test(text))
    .flatMap((text) => [...text.matchAll(/\bbackend: (\w+)/g)].map(([, name = '']) => name));
}

describe('sinks', () => {
  test('each has the suite, or a reason why not and a test of its own', () => {
    const types = sinks.map(({ type }) => camelCase(type));
    expect([...new Set(backendsInSuite()), ...Object.keys(besides)].toSorted()).toEqual(types.toSorted());
  });

  test.each(Object.entries(besides))('%s has the hostile text in its own test', (type, { test: file }) => {
    const text = read(file);
    expect(text).toMatch(/import \{ injections \} from '.*\/support\/injections\.ts'/);
    expect(text).toMatch(new RegExp(`import \\{ ${type} \\} from '.*/${type}\\.ts'`));
  });

  test('there are one hundred and fifty hostile texts, of every kind of receiver', () => {
    expect(new Set(injections).size).toBeGreaterThanOrEqual(150);
    // oxlint-disable-next-line no-control-regex -- control characters are the subject
    const kinds = [/\{\{/, /\$\(id\)/, /\u001b\[/, /<!channel>/, /!\[x\]\(/, /<script>/, /\r\n/, /^\ud800/, /.{5000}/s];
    for (const kind of kinds) expect(injections.some((text) => kind.test(text))).toBe(true);
  });

  test('a vendor fails in every way: processed or not, with each kind of answer', () => {
    const ways = Object.values(faults).map(({ processed, answer }) => `${processed} ${answer}`);
    expect(new Set(ways)).toEqual(
      new Set([
        'true 200',
        ...['never', 'reset', '500', '504', 'endless'].map((answer) => `true ${answer}`),
        ...['never', 'reset', 'early-reset', '503', '429'].map((answer) => `false ${answer}`),
      ]),
    );
  });
});

interface Resource {
  readonly kind?: string;
  readonly spec?: { readonly type?: string };
}

/** The types of all objects of a kind in the examples. */
function typesIn(kind: string): ReadonlySet<string | undefined> {
  const documents = globSync('examples/**/*.yaml', { cwd: repositoryRoot })
    .filter((file) => !file.includes('/dump/') && !file.startsWith('examples/eval/'))
    .flatMap((file) => parseAllDocuments(read(file)).map((document) => document.toJS() as Resource | null));
  return new Set(documents.filter((one) => one?.kind === kind).map((one) => one?.spec?.type));
}

describe('examples', () => {
  test('there is one of each type of Sink: all but stdout, which the others stand in the place of, have a file', () => {
    expect(typesIn('Sink')).toEqual(new Set(sinks.map(({ type }) => type)));
    for (const { type } of sinks)
      expect([type, existsSync(`${repositoryRoot}examples/sinks/${type}.yaml`)]).toEqual([type, type !== 'stdout']);
  });

  test('there is one of each type of Source', () => {
    expect(typesIn('Source')).toEqual(new Set(sourceDefinitions.map(({ type }) => type)));
  });
});
