import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { TemplateError } from './error.ts';
import { renderTemplate } from './index.ts';

interface TemplateVector {
  readonly id: string;
  readonly category: string;
  readonly template: string;
  readonly data: unknown;
  readonly want?: string;
  readonly error?: true;
  readonly stage?: 'parse' | 'execute';
  readonly message?: string;
}

/** What the real Go engine did; README.md beside it says where this project wants something else. */
const vectors = ['templates.json', 'functions.json'].flatMap(
  (file) =>
    JSON.parse(
      readFileSync(new URL(`../../../test/fixtures/vectors/${file}`, import.meta.url), 'utf8'),
    ) as TemplateVector[],
);

const now = (): Date => new Date('2026-03-02T00:00:00Z');

/** Wanted deviations that render, by id: Go refuses these or has a bug here. */
const deviations: Readonly<Record<string, string>> = {
  'missing-and-nil-adbee65d': '',
  'missing-and-nil-02542fcf': '',
  'missing-and-nil-420ac634': '',
  'missing-and-nil-27190ff7': '',
  'go-rejects-hyphen-784458a2': '1',
  'go-rejects-hyphen-d2fcefd6': 'map[ok:true result:map[lines:[boot panic: nil map exit 2] x:1]]',
  'go-rejects-hyphen-303700df': 'hy',
  'go-rejects-hyphen-16e07319': 'map[ok:true result:map[lines:[boot panic: nil map exit 2] x:1]]',
  'go-rejects-hyphen-0e056abf': 'yes',
  'go-rejects-hyphen-cf549038': 'bootpanic: nil mapexit 2',
  'go-rejects-hyphen-912475bf': '{"lines":["boot","panic: nil map","exit 2"],"x":1}',
  'go-rejects-hyphen-51adf682': 'true',
  'go-rejects-hyphen-5d744530': 'true',
  'go-rejects-hyphen-8b35afde': 'map[ok:true result:map[lines:[boot panic: nil map exit 2] x:1]]',
  'go-rejects-hyphen-f4c5883b': '',
  'go-rejects-hyphen-6ddda490': '',
  'go-rejects-hyphen-34bda187': '1',
  'go-rejects-hyphen-f4964a32': '1',
  'go-rejects-hyphen-0e253352': 'map[ok:true result:map[lines:[boot panic: nil map exit 2] x:1]]',
  'date-zone-abbrev-df3512a1': '+0530',
  'quirk-int-width-da7e0d5c': 'true',
  'quirk-int-width-1032cfa4': '[1 3]',
  'quirk-int-width-801c17a2': '[1]',
  'quirk-int-width-6146110b': 'b',
  'quirk-int-width-1f227996': 'abc',
  'quirk-int-width-3f717a25': 'abc',
  'quirk-int-width-2cd3f55e': 'xxx',
  'quirk-int-width-916e9d88': '   x',
  'quirk-int-width-1c78e3c8': '\n   x',
  'quirk-int-width-27bb6a31': 'abcdefgh',
  'quirk-slice-index-from-data-500905d2': '[a]',
  'quirk-slice-index-from-data-2a2a411f': '[b]',
  'quirk-slice-index-from-data-53cd5baf': 'bc',
  'am-date-rejects-string-b587cd5f': '2026-03-01',
  'am-date-rejects-string-52be4c7d': '10:15',
  'am-date-rejects-string-192b953a': '2026',
  'am-date-rejects-string-1ff4047f': '2026-03-01 10:15:07 +0000 UTC',
  'am-date-rejects-string-31a0ca43': '13h44m53s',
  'am-date-rejects-string-06e3cf10': '10:15',
  'am-date-rejects-string-1ff18ce4': '13h 44m 53s',
  'quirk-no-value-literal-613f0d06': 'text <no value> text',
  'quirk-no-value-literal-050c6528': '<no value>',
  'quirk-no-value-literal-6c8f5849': '[<no value>][a <no value> b]',
  'quirk-no-value-literal-257fceb0': '<no value>|',
  'quirk-no-value-literal-8f9a2294': '"<no value>"',
  'quirk-nospace-bytes-1efd41c6': 'éx',
  'quirk-nospace-bytes-e2dbf66b': 'ab',
  'quirk-nospace-bytes-4befc9c0': '日本語',
  'triage-652c08dc': '',
  // Go writes these so that YAML reads another text; here each reads back as it was.
  'quirk-yaml-exotic-826d0de9': '"a\\u0085b"',
  'quirk-yaml-exotic-398a6233': '"a\\u2028b"',
  'quirk-yaml-exotic-32014288': '"\\ufeffx"',
  'quirk-function-94cc2560': '1.1574074074074075e+25d 0h 44m 16s',
  'quirk-function-c7cccd12': '90',
  'quirk-function-896c1982': '90',
  'quirk-function-0dc2ec57': '9000%',
  'quirk-function-fba20ed5': '1m 30s',
  'quirk-function-61ae7229': '1970-01-01 00:01:30 +0000 UTC',
  'quirk-function-8854ee6e': '1970-01-01 00:01:30 +0000 UTC',
  'quirk-function-cce536dd': '1m30s',
  'quirk-function-b30f060b': '1m30s',
  'quirk-function-174c5ec8': 'é',
  'quirk-function-f09081b1': 'É',
  'quirk-function-88d71b64': '日',
  'quirk-function-c5b30841': 'Ä',
  'quirk-function-c9021d66': '1000000000',
  'quirk-function-bc11c861': '1000000000',
  'quirk-function-e1c772d5': '1e+09',
  'quirk-function-4dbbf7b6': '1e+09',
  'quirk-function-22c2f270': '1e+09',
  'quirk-function-4356f700': '1e+09',
  'quirk-function-b81cdfcb': '1000000001',
  'quirk-function-04f31130': 'map[]',
  'quirk-function-2bd12baa': 'map[]',
  'quirk-function-0ff0e198': '[1 two map[d:map[e:deep]] [1 2]]',
  'quirk-function-f677af56': '[]',
  'quirk-function-7c4cba86': '',
  'quirk-function-6c412ab3': '[3 4 5]',
  'quirk-function-2414936e': 'true',
  'quirk-function-f4d30179': '492320h15m2.123456789s',
};

/** Categories in which only the value that YAML reads back counts. */
const yamlCategories = new Set(['yaml', 'yaml-strings', 'quirk-yaml-exotic']);

function outcome(vector: TemplateVector): string | TemplateError {
  try {
    return renderTemplate(vector.template, vector.data, { now });
  } catch (thrown) {
    if (thrown instanceof TemplateError) return thrown;
    throw thrown;
  }
}

it('has all vectors', () => {
  expect(vectors.length).toBeGreaterThanOrEqual(3500);
  const ids = new Set(vectors.map((vector) => vector.id));
  expect(Object.keys(deviations).filter((id) => !ids.has(id))).toEqual([]);
});

it.each(vectors)('$id', (vector) => {
  const result = outcome(vector);
  const deviation = deviations[vector.id];
  if (deviation !== undefined) {
    expect(result).toBe(deviation);
  } else if (vector.error) {
    expect(result).toBeInstanceOf(TemplateError);
    expect((result as TemplateError).stage).toBe(vector.stage);
  } else if (yamlCategories.has(vector.category)) {
    expect(typeof result).toBe('string');
    if (result !== vector.want) expect(parse(result as string)).toEqual(parse(vector.want ?? ''));
  } else {
    expect(result).toBe(vector.want);
  }
});

describe('the list of deviations', () => {
  const wanted = /^(?:go-rejects-hyphen|am-date-rejects-string|quirk-.*)$/;

  it.each(vectors.filter((vector) => deviations[vector.id] !== undefined))(
    '$id is one that the README lists',
    (vector) => {
      const isNullText = vector.message?.endsWith('invalid value; expected string') ?? false;
      const isZoneName = vector.category === 'date-zone-abbrev';
      expect(wanted.test(vector.category) || isNullText || isZoneName).toBe(true);
    },
  );
});
