import type { StructuralNode } from '../../scripts/gen/structural.ts';
import type { JsonValue } from '../../src/core/json.ts';

type Wrong = readonly [what: string, value: JsonValue];

const always: readonly Wrong[] = [
  ['is null', null],
  ['is a number', 5],
  ['is text', 'text'],
  ['is an empty object', {}],
];
/** Of fields that may be one thing or another. */
const ofUnions: readonly Wrong[] = [
  ['is a fraction', 0.5],
  ['is true', true],
  ['is an object', { member: 'x' }],
  ['is an object with a wrong member', { name: 5 }],
];
const ofLists: readonly Wrong[] = [
  ['is an empty list', []],
  ['is a list of text', ['text']],
  ['is a list of numbers', [5]],
  ['is a list with null', [null]],
];
/** Where JavaScript and RE2 could read a pattern differently. */
const oddTexts: readonly string[] = ['§', 'a b', '\u0001', '../..', 'https://'];
const oddEnds: readonly string[] = ['\n', '\u00a0', '\u2028', 'Ä', '@'];
const oddNames = [
  '',
  '§',
  'a b',
  '1a',
  'PATH',
  'LD_PRELOAD',
  'FIST_X',
  '__name__',
  'job',
  'push_time_seconds',
  'Host',
  'Content-Type',
  'Authorization',
  'x'.repeat(300),
];

/** Values for a place in a schema of which some are wrong there; `sample` is a right one, where there is one. */
export function wrongValues(node: StructuralNode, sample: JsonValue | undefined): readonly Wrong[] {
  return [
    ...always,
    ...(node.type === undefined ? ofUnions : []),
    ...(node.type === undefined || node.type === 'array' ? ofLists : []),
    ...numbers(node),
    ...(node.maxLength === undefined ? [] : texts(node, node.maxLength, sample)),
    ...(node.maxItems === undefined ? [] : lists(node.maxItems, sample)),
    ...(node.type === 'object' ? objects(node, sample) : []),
  ];
}

function numbers({ type, minimum, maximum }: StructuralNode): readonly Wrong[] {
  return [
    ...(type === 'integer' ? [['is a fraction', 1.5] as const] : []),
    ...(minimum === undefined ? [] : [['is too small', minimum - 1] as const, ['is the smallest', minimum] as const]),
    ...(maximum === undefined ? [] : [['is too large', maximum + 1] as const, ['is the largest', maximum] as const]),
  ];
}

function texts({ pattern }: StructuralNode, longest: number, sample: JsonValue | undefined): readonly Wrong[] {
  const given = typeof sample === 'string' ? sample : 'a';
  const odd = oddTexts.map((text) => [`is ${JSON.stringify(text)}`, text] as const);
  const ends = oddEnds.map((text) => [`ends in ${JSON.stringify(text)}`, given + text] as const);
  return [
    ['is an empty text', ''],
    ['is too long', 'a'.repeat(longest + 1)],
    // Characters of two UTF-16 units each: lengths count characters.
    ...(longest > 4096 ? [] : [['is long of large characters', '😀'.repeat(Math.ceil((longest + 1) / 2))] as const]),
    ...(pattern === undefined ? [] : [...odd, ...ends, ['has a space in front', ` ${given}`] as const]),
  ];
}

function lists(most: number, sample: JsonValue | undefined): readonly Wrong[] {
  const [item = 'a'] = Array.isArray(sample) ? sample : [];
  return [
    ['has too many items', Array.from({ length: most + 1 }, () => item)],
    ['has an item twice', [item, item]],
  ];
}

function objects(node: StructuralNode, sample: JsonValue | undefined): readonly Wrong[] {
  const given = typeof sample === 'object' && sample !== null && !Array.isArray(sample) ? sample : {};
  const [value = 'a'] = Object.values(given);
  const most = node.maxProperties;
  const many = Array.from({ length: (most ?? 0) + 1 }, (_, index) => [`a${index}`, value] as const);
  return [
    ['has an unknown field', { ...given, unknownField: 1 }],
    ['has an unknown field that is null', { ...given, unknownField: null }],
    ...(most === undefined ? [] : [['has too many members', Object.fromEntries(many)] as const]),
    ...(most === undefined
      ? []
      : oddNames.map((name) => [`has the name ${JSON.stringify(name)}`, { [name]: value }] as const)),
    ...(most === undefined ? [] : [['has a name without a value', { a1: null, a: value }] as const]),
  ];
}
