import { describe, expect, test } from 'vitest';
import { parseDocuments } from './documents.ts';

/** Marks with @ in the YAML where the character @ of the value must be found. */
function place(yaml: string): { readonly found: string; readonly expected: string } {
  const [document] = parseDocuments('a.yaml', yaml).documents;
  const text = document?.value['key'] as string;
  const problem = document?.locate({ path: ['key'], offset: text.indexOf('@'), severity: 'error', message: '' });
  const before = yaml.slice(0, yaml.indexOf('@')).split('\n');
  return {
    found: `${problem?.line}:${problem?.column}`,
    expected: `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`,
  };
}

describe('positions inside scalars', () => {
  test.each([
    ['plain', 'key: some text @ here\n'],
    ['plain over lines', 'key: some text\n  that goes on\n   and on @ here\n'],
    ['double quoted', 'key: "a \\"quoted\\" \\u00e9\\x41\\n\\U0001F600 @"\n'],
    ['double quoted over lines', 'key: "a b\n\n   c \\t @"\n'],
    ['single quoted', "key: 'it''s @ here'\n"],
    ['literal', 'other: 1\nkey: |\n  one\n\n    two @\n  three\n'],
    ['literal with header comment', 'key: |- # why\n    one\n    @two\n'],
    ['literal with indentation sign', 'key: |2\n    indented\n  @\n'],
    ['literal in a list', 'list:\n  - x\nkey: |+\n\n\n  one\n  two   @\n\n'],
    ['folded', 'key: >-\n  one two\n  three\n\n  four @ five\n'],
    ['folded, more indented', 'key: >\n  one\n    two @\n  three\n'],
    ['first character', 'key: "@"\n'],
    ['CRLF', 'key: |\r\n  one\r\n  two @\r\n'],
  ])('%s', (_name, yaml) => {
    const { found, expected } = place(yaml);
    expect(found).toBe(expected);
  });
});

describe('parseDocuments', () => {
  test('reads several documents, skips empty ones, takes lists apart', () => {
    const text = '---\n---\nkind: A\n---\n# nothing\n---\nkind: List\nitems:\n- kind: B\n- kind: C\n';
    const { documents, problems } = parseDocuments('a.yaml', text);
    expect(problems).toEqual([]);
    expect(documents.map((document) => [document.value['kind'], document.line])).toEqual([
      ['A', 3],
      ['B', 9],
      ['C', 10],
    ]);
    expect(documents[2]?.locate({ path: ['kind'], severity: 'error', message: 'm' })).toMatchObject({
      line: 10,
      column: 9,
    });
  });

  test('a broken document does not hide the others', () => {
    const { documents, problems } = parseDocuments(
      'a.yaml',
      'kind: A\n---\nkind: [1,\n  2\nb: 3\n---\nkind: C\nkind: C\n---\nkind: D\n',
    );
    expect(documents.map((document) => document.value['kind'])).toEqual(['A', 'D']);
    expect(problems.map(({ line, column }) => [line, column])).toEqual([
      [5, 1],
      [8, 1],
    ]);
  });

  test('a missing field stands at its nearest parent, a wrong name at its key', () => {
    const [document] = parseDocuments('a.yaml', 'spec:\n  steps:\n    - name: a\n      typ: cli\n').documents;
    const at = (path: (string | number)[], atKey = false) => {
      const problem = document?.locate({ path, atKey, severity: 'error', message: '' });
      return [problem?.line, problem?.column, problem?.field];
    };
    expect(at(['spec', 'steps', 0, 'type'])).toEqual([3, 7, 'spec.steps[0].type']);
    expect(at(['spec', 'steps', 0, 'typ'], true)).toEqual([4, 7, 'spec.steps[0].typ']);
    expect(at(['spec', 'steps', 0, 'typ'])).toEqual([4, 12, 'spec.steps[0].typ']);
    expect(at(['spec', 'sinks'])).toEqual([1, 1, 'spec.sinks']);
  });

  test('a key that is there twice is a problem at its place; thousands of keys cost no time', () => {
    const { documents, problems } = parseDocuments('f.yaml', 'kind: A\nspec:\n  a: 1\n  b: 2\n  a: 3\n---\nkind: B\n');
    expect(problems).toMatchObject([{ line: 5, column: 3, message: 'YAML: Map keys must be unique' }]);
    expect(documents.map(({ value }) => value['kind'])).toEqual(['B']);
    const before = process.threadCpuUsage();
    parseDocuments('f.yaml', Array.from({ length: 30_000 }, (_, index) => `key${index}: 1`).join('\n'));
    expect(process.threadCpuUsage(before).user).toBeLessThan(4_000_000);
  });

  test('an alias bomb is a problem, not a crash', () => {
    const bomb = Array.from(
      { length: 12 },
      (_, index) =>
        `a${index}: &a${index} [${
          index === 0
            ? 'x'
            : Array(9)
                .fill(`*a${index - 1}`)
                .join(',')
        }]`,
    ).join('\n');
    const { documents, problems } = parseDocuments('a.yaml', bomb);
    expect(documents).toEqual([]);
    expect(problems[0]?.message).toContain('alias');
  });
});
