import { describe, expect, test } from 'vitest';
import { maximumValueBytes } from '../lib/shell.ts';
import { createTemplates } from './templates.ts';

const templates = createTemplates();
const now = '2026-01-01T00:00:00.000Z';

describe('variables of a command', () => {
  test('are rendered beside its values, whatever is in them', () => {
    const data = { pod: '-rf $(x)', none: '' };
    expect(templates.renderCommand('echo "$POD"', { POD: '{{ .pod }}', NONE: '{{ .none }}' }, data, now)).toEqual({
      script: 'echo "$POD"',
      environment: { POD: '-rf $(x)', NONE: '' },
    });
    expect(templates.renderCommand('echo {{ .pod }} "$A"', { A: 'a' }, data, now)).toEqual({
      script: 'echo "${FIST_1}" "$A"',
      environment: { A: 'a', FIST_1: '-rf $(x)' },
    });
  });

  test('share the limits of values', () => {
    const render = (values: readonly string[]) =>
      templates.renderCommand(
        'true',
        Object.fromEntries(values.map((value, index) => [`V${index}`, '{{ index .values ' + index + ' }}'])),
        { values: [...values] },
        now,
      );
    const large = 'x'.repeat(maximumValueBytes);
    expect(Object.keys(render([large, large]).environment)).toHaveLength(2);
    const unsafe = { code: 'UnsafeArgument' };
    expect(() => render([`${large}x`])).toThrow(expect.objectContaining(unsafe));
    expect(() => render(['a\0b'])).toThrow(expect.objectContaining(unsafe));
    expect(() => render(Array.from({ length: 20 }, () => large))).toThrow(expect.objectContaining(unsafe));
  });
});
