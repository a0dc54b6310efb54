import { describe, expect, test } from 'vitest';
import { compareValues, parseJsonPath, parseTemplate } from './jsonpath.ts';

const list = {
  items: [
    { id: 'a', n: 1, labels: { 'app.kubernetes.io/name': 'web', team: "o'hara" }, tags: ['x', 'y', 'z'], open: true },
    { id: 'b', n: 2.5, labels: { team: 'shop' }, tags: [], open: false, note: null },
    {
      id: 'c',
      n: 10,
      labels: {},
      conditions: [
        { type: 'Ready', status: 'True' },
        { type: 'Other', status: 'False' },
      ],
    },
  ],
  nextCursor: null,
};

describe('templates give what kubectl gives', () => {
  test.each([
    ['{.items[*].id}', 'a b c'],
    ['{$.items[0].id}', 'a'],
    ['{ .items[0].id }', 'a'],
    ['{.items[-1].id}', 'c'],
    ['{.items[0:2].id}', 'a b'],
    ['{.items[-2:].id}', 'b c'],
    ['{.items[::2].id}', 'a c'],
    ['{.items[0,2].id}', 'a c'],
    ["{.items[0]['id','n']}", 'a 1'],
    ['{.items[0].labels.app\\.kubernetes\\.io/name}', 'web'],
    ["{.items[0].labels['app.kubernetes.io/name']}", 'web'],
    ['{.items[0].tags}', '["x","y","z"]'],
    ['{.items[0].labels.*}', "web o'hara"],
    ['{.items[*].tags[*]}', 'x y z'],
    ['{..status}', 'True False'],
    ['{.items[?(@.id=="b")].n}', '2.5'],
    ["{.items[?(@.id=='b')].n}", '2.5'],
    ['{.items[?(@.n>2)].id}', 'b c'],
    ['{.items[?(@.n <= 2.5)].id}', 'a b'],
    ['{.items[?(@.open==true)].id}', 'a'],
    ['{.items[?(@.id!="a")].id}', 'b c'],
    ['{.items[?(@.note)].id}', 'b'],
    ['{.items[?(@.labels.team == "o\'hara")].id}', 'a'],
    ['{.items[*].conditions[?(@.type=="Ready")].status}', 'True'],
    ['{range .items[*]}{.id}{"\\t"}{.n}{"\\n"}{end}', 'a\t1\nb\t2.5\nc\t10\n'],
    ['{range .items[*]}{.id}:{range .tags[*]}{@},{end} {end}', 'a:x,y,z, b: c: '],
    ['{range .items[*]}{$.items[0].id}{end}', 'aaa'],
    [
      'first {.items[0].id}, absent [{.items[7].id}{.none.at.all}], null [{.nextCursor}]',
      'first a, absent [], null []',
    ],
    ['.items[*].id', 'a b c'],
    ['items[*].id', 'a b c'],
    ['{.items[?(@.id>1)].id}', ''],
    ['{@}', JSON.stringify(list)],
  ])('%s', (template, text) => expect(parseTemplate(template)(list)).toBe(text));

  test('names of JavaScript are no fields', () => {
    for (const path of ['{.constructor}', '{.items.length}', '{.items[0].id.length}', '{.__proto__}'])
      expect(parseTemplate(path)(list)).toBe('');
  });
});

test.each(['{.items[0].n}', '.items[0].n', 'items[0].n'])('%s alone, for columns and sorting', (path) =>
  expect(parseJsonPath(path)(list)).toEqual([1]),
);

test.each([
  ['{.items[*.id}', 10, 'expected ], found .'],
  ['{.items[}', 9, "expected an index, *, 'name' or ?(filter), found }"],
  ['{.items[?(@.id="a")]}', 15, 'expected == != < <= > >= or ), found ='],
  ['{.items[?(id=="a")]}', 11, 'expected @.field, "text" or a number, found i'],
  ['{.items[*].id', 14, 'expected }, found the end'],
  ['{range .items[*]}{.id}', 1, '{range} has no {end}'],
  ['x{end}', 2, '{end} has no {range}'],
  ["{.items['a]}", 9, "' is not closed"],
  ['{.a b}', 5, 'expected }, found b'],
  ['{}', 2, 'expected an expression, found }'],
  ['{.items[?(@.id =~ "a")]}', 16, 'expected == != < <= > >= or ), found ='],
])('%s: column %i', (template, column, problem) =>
  expect(() => parseTemplate(template)).toThrow(`${template} is no JSONPath: column ${column}: ${problem}`),
);

test('an expression is nothing but one', () => {
  expect(() => parseJsonPath('{.a} and {.b}')).toThrow('column');
  expect(() => parseJsonPath('a b')).toThrow('column 3: expected the end, found b');
  expect(() => parseJsonPath('')).toThrow('expected an expression, found the end');
});

test('sorting: numbers by value, text, then what is absent comes first', () => {
  expect(['10', '9', 'a', null].sort(compareValues)).toEqual([null, '10', '9', 'a']);
  expect([10, 9, undefined].toSorted(compareValues)).toEqual([9, 10, undefined]);
});
