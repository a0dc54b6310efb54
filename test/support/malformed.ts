import { gzipSync } from 'node:zlib';

const deep = 10_000;
const mebibyte = 1024 * 1024;
/** Packing it takes a while, so it is done once. */
const bomb = gzipSync(Buffer.alloc(64 * mebibyte, 0x20));

/** A body that no source can take; `headers` beside those of the sender. */
export interface MalformedBody {
  readonly what: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What is no body of a format of which `good` is one: JSON of an object or a list, with a text `"it is down"` in it. */
export function malformedBodies(good: string): readonly MalformedBody[] {
  return [
    ...Array.from({ length: 24 }, (_, n) => {
      const end = Math.floor(((n + 0.5) / 24) * good.length);
      return { what: `cut after ${end} characters`, body: good.slice(0, end) };
    }),
    ...broken(good).map(([what, body]) => ({ what, body })),
    ...others.map(([what, body]) => ({ what, body })),
    ...packed(good),
  ];
}

/** JSON that was nearly right. */
function broken(good: string): readonly (readonly [string, string | Buffer])[] {
  return [
    ['a trailing comma', good.replace(/([}\]])$/, ',$1')],
    ['two documents', good + good],
    ['a document and rubbish', `${good}x`],
    ['a document and NUL', `${good}\u0000`],
    ['JSON lines', `${good}\n${good}\n`],
    ['a comment before', `/* x */ ${good}`],
    ['a comment behind', `${good} // x`],
    ['single quotes', good.replaceAll('"', "'")],
    ['names without quotes', good.replaceAll(/"(\w+)":/g, '$1:')],
    ['a line break in a text', good.replace('it is down', 'it is\ndown')],
    ['a tab in a text', good.replace('it is down', 'it is\tdown')],
    ['NUL in a text', good.replace('it is down', 'it is\u0000down')],
    ['a wrong escape', good.replace('it is down', '\\x41')],
    ['half an escape', good.replace('it is down', '\\u12')],
    ['NaN', good.replace('"it is down"', 'NaN')],
    ['a leading zero', good.replace('"it is down"', '007')],
    ['undefined', good.replace('"it is down"', 'undefined')],
    ['a guard before JSON', `)]}',\n${good}`],
    ['JSONP', `callback(${good})`],
    ['JSON in a text', JSON.stringify(good)],
    ['UTF-16 with a mark', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(good, 'utf16le')])],
    ['UTF-16 without one', Buffer.from(good, 'utf16le')],
    ['two marks of UTF-8', Buffer.concat([Buffer.from('\ufeff\ufeff'), Buffer.from(good)])],
    ['a mark alone', Buffer.from('\ufeff')],
    ['gzip that is not announced', gzipSync(good)],
  ];
}

const others: readonly (readonly [string, string | Buffer])[] = [
  ['nothing', ''],
  ['spaces', '   \n\t '],
  ['3 MiB of spaces', ' '.repeat(3 * mebibyte)],
  ['NUL', '\u0000'],
  ['null', 'null'],
  ['true', 'true'],
  ['a number', '42'],
  ['a huge number', '1e999999'],
  ['a text', '"alerts"'],
  ['a lone surrogate', '"\\ud800"'],
  ['an empty object', '{}'],
  ['__proto__', '{"__proto__":{"polluted":true,"alerts":[]}}'],
  ['constructor.prototype', '{"constructor":{"prototype":{"polluted":true}}}'],
  ['a list of texts', '["alerts"]'],
  ['a list of null', '[null]'],
  ['10,000 open lists', '['.repeat(deep)],
  ['10,000 open objects', '{"a":'.repeat(deep)],
  ['10,000 lists', '['.repeat(deep) + ']'.repeat(deep)],
  ['10,000 objects', `${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}`],
  ['3 MiB of open lists', '['.repeat(3 * mebibyte)],
  ['a text of 10 MiB', `{"x":"${'x'.repeat(10 * mebibyte)}"}`],
  ['a million zeros', `[${'0,'.repeat(1_000_000)}0]`],
  ['a million members', `{${'"":0,'.repeat(1_000_000)}"":0}`],
  ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d])],
  ['an overlong quote', Buffer.from([0x7b, 0xc0, 0xa2, 0x7d])],
  ['CBOR', Buffer.from('a1666b696e64735f', 'hex')],
  ['PNG', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')],
  ['XML', '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>'],
  ['HTML', '<html><script>alert(1)</script></html>'],
  ['YAML', 'alerts:\n  - status: firing\n'],
  ['a form', 'payload=%7B%22alerts%22%3A%5B%5D%7D'],
  ['a template', '{{ .alerts }}'],
  ['a shell', '$(reboot)'],
];

/** With `content-encoding: gzip`. */
function packed(good: string): readonly MalformedBody[] {
  const headers = { 'content-encoding': 'gzip' };
  const whole = gzipSync(good);
  return [
    { what: 'no gzip', body: good, headers },
    { what: 'half of gzip', body: whole.subarray(0, whole.length / 2), headers },
    { what: 'gzip with a wrong checksum', body: Buffer.concat([whole.subarray(0, -8), Buffer.alloc(8)]), headers },
    { what: 'gzip of gzip', body: gzipSync(whole), headers },
    { what: 'a gzip bomb', body: bomb, headers },
    { what: 'gzip of 10,000 open lists', body: gzipSync('['.repeat(deep)), headers },
    { what: 'an encoding that nobody knows', body: good, headers: { 'content-encoding': 'br' } },
  ];
}
