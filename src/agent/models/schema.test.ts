import { expect, test } from 'vitest';
import { without } from './schema.ts';

test('keywords go on every level, properties of that name and data stay', () => {
  const schema = {
    type: 'object',
    properties: {
      maxLength: { type: 'string', maxLength: 5, enum: ['maxLength'] },
      list: { type: 'array', items: { anyOf: [{ type: 'string', maxLength: 2 }, { type: 'null' }] } },
    },
    required: ['maxLength', 'list'],
    $defs: { maxLength: { maxLength: 7, default: { maxLength: 1 } } },
  };
  expect(without(['maxLength'], schema)).toEqual({
    type: 'object',
    properties: {
      maxLength: { type: 'string', enum: ['maxLength'] },
      list: { type: 'array', items: { anyOf: [{ type: 'string' }, { type: 'null' }] } },
    },
    required: ['maxLength', 'list'],
    $defs: { maxLength: { default: { maxLength: 1 } } },
  });
});
