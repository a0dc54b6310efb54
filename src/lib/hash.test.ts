import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import {
  alertFingerprint,
  alertmanagerFingerprint,
  canonicalJson,
  canonicalSha256,
  compareUtf8,
  sha256Hex,
} from './hash.ts';

interface FingerprintVector {
  readonly id: string;
  readonly labels: Record<string, string>;
  readonly fingerprint: string;
}

const vectors = JSON.parse(
  readFileSync(new URL('../../test/fixtures/vectors/fingerprints.json', import.meta.url), 'utf8'),
) as FingerprintVector[];

it.each(vectors)('Alertmanager fingerprint $id', ({ labels, fingerprint }) => {
  expect(alertmanagerFingerprint(labels)).toBe(fingerprint);
});

it('has the project fingerprint of the contract', () => {
  expect(alertFingerprint('TestAlert', { severity: 'warning', alertname: 'TestAlert' })).toBe(
    'e794940a02879c6b01136e0ff47db31c979a67aa37064eab62dee4b571e0421b',
  );
});

it('sorts label names as UTF-8 bytes and leaves non-ASCII unescaped', () => {
  const labels = { '9': 'a"b\\', '10': '\n\u0001', é: '日本\u2028', '😀': '1', '～': '2' };
  const json = '{"10":"\\n\\u0001","9":"a\\"b\\\\","é":"日本\u2028","～":"2","😀":"1"}';
  expect(alertFingerprint('x', labels)).toBe(sha256Hex(`x-${json}`));
});

it('compares text as UTF-8 bytes', () => {
  const texts = ['', 'a', 'ab', 'b', 'é', '\ud7ff', '\ue000', '～', '😀', '😁', '😀a'];
  for (const left of texts) {
    for (const right of texts) {
      const expected = Math.sign(Buffer.compare(Buffer.from(left), Buffer.from(right)));
      expect([left, right, Math.sign(compareUtf8(left, right))]).toEqual([left, right, expected]);
    }
  }
});

it('writes equal values as equal JSON', () => {
  expect(canonicalJson({ b: [1, { d: null, c: 'x' }], a: undefined, '10': 1, '9': 2 })).toBe(
    '{"10":1,"9":2,"b":[1,{"c":"x","d":null}]}',
  );
  expect(canonicalSha256({ a: 1, b: 2 })).toBe(canonicalSha256({ b: 2, a: 1 }));
  expect(canonicalSha256({ a: 1 })).not.toBe(canonicalSha256({ a: '1' }));
  expect(canonicalJson(JSON.parse('{"__proto__":1}'))).toBe('{"__proto__":1}');
});
