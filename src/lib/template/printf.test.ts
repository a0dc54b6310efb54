import { expect, it } from 'vitest';
import { renderTemplate } from './index.ts';

const data = {
  s: 'hé',
  n: 42,
  neg: -5,
  f: 2.5,
  big: 123456789.5,
  t: true,
  l: ['a', 1, null],
  m: { b: 1, a: 'x' },
  none: null,
};

/** What Go's fmt prints for the same operands. */
it.each([
  ['%T %T %T %T', '.s .n .f .l', 'string int64 float64 []interface {}'],
  ['%#v', '.l', '[]interface {}{"a", 1, interface {}(nil)}'],
  ['%#v', '.m', 'map[string]interface {}{"a":"x", "b":1}'],
  ['%x|%X|% x|%#x', '.s .s .s .s', '68c3a9|68C3A9|68 c3 a9|0x68c3a9'],
  ['%U|%#U|%c|%q', '233 233 233 233', "U+00E9|U+00E9 'é'|é|'é'"],
  ['%.0f %.0f %.0f %.0f', '0.5 1.5 2.5 -0.5', '0 2 2 -0'],
  ['%.1f %.2f %.3f', '0.25 1.005 2.0005', '0.2 1.00 2.001'],
  ['%.1e %e %E', '25000.0 .f .big', '2.5e+04 2.500000e+00 1.234568E+08'],
  ['%g %g %g %g', '1e20 1e21 123456789.0 0.00001', '1e+20 1e+21 1.23456789e+08 1e-05'],
  ['%G %.3g %.4g', '1e-7 1234.5 60.0', '1E-07 1.23e+03 60'],
  ['%+d|% d|%+.1f|% .1f', '.n .n .f .f', '+42| 42|+2.5| 2.5'],
  ['%08.3f|%-8.2f|%+08.1f', '.f .f .f', '0002.500|2.50    |+00002.5'],
  ['%6d|%-6d|%06d|%.4d|%8.4d', '.neg .neg .neg .neg .neg', '    -5|-5    |-00005|-0005|   -0005'],
  ['%5t|%-6v|', '.t .t', ' true|true  |'],
  ['%*d|%-*d|%.*f', '5 .n 5 .n 1 .f', '   42|42   |2.5'],
  ['%[2]*[1]d', '.n 6', '    42'],
  ['%v %s', '.none .none', '<nil> %!s(<nil>)'],
  ['%d', '.t', '%!d(bool=true)'],
  ['%s', '.m', 'map[a:x b:%!s(int64=1)]'],
  ['%!', '', '%!!(MISSING)'],
  ['%d %d', '1', '1 %!d(MISSING)'],
  ['%b %o %O %x', '-5 8 8 -255', '-101 10 0o10 -ff'],
])('printf %j %s', (format, operands, expected) => {
  expect(renderTemplate(`{{ printf ${JSON.stringify(format)} ${operands} }}`, data)).toBe(expected);
});

it('prints the smallest and largest floats exactly', () => {
  expect(renderTemplate('{{ printf "%.0f" 1e23 }} {{ printf "%.3e" 5e-324 }}', {})).toBe(
    '99999999999999991611392 4.941e-324',
  );
});
