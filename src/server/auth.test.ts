import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiToken, bearerOf, fakeServer, fakeSource, sourceToken } from '../../test/support/fake-server.ts';
import type { Reached } from '../../test/support/fake-server.ts';
import type { Server } from './server.ts';
import { rawRequest } from '../../test/support/sockets.ts';

const otherToken = 'token-of-another-source-99';
const body = '{"alerts":[{}]}';
let server: Server;
let reached: Reached;
let port: number;

beforeAll(async () => {
  const sources = [
    fakeSource(),
    fakeSource({ name: 'nested', path: 'team/alerts' }),
    fakeSource({
      name: 'other',
      path: 'other',
      authentication: bearerOf('other'),
    }),
  ];
  const get = (_namespace: string, { name }: { name: string }) =>
    name === 'am' ? sourceToken : name === 'other' ? otherToken : null;
  ({ server, reached } = await fakeServer({ secrets: { get } }, sources));
  ({ port } = await server.listen());
});
afterAll(() => server.close());

/** The text of a request; `headers` are lines as they go over the wire. */
function request(method: string, target: string, headers: readonly string[] = [], content = body): string {
  const all = ['Host: 127.0.0.1', 'Content-Type: application/json', `Content-Length: ${content.length}`, ...headers];
  return `${method} ${target} HTTP/1.1\r\n${all.join('\r\n')}\r\n\r\n${content}`;
}

/** Values of Authorization that are not `Bearer <token>`. */
function wrongValues(token: string): readonly string[] {
  return [
    '',
    'Bearer',
    'Bearer ',
    'bearer  ',
    token,
    `Bearer${token}`,
    `Bearer\t${token}`,
    `Bearer\u00a0${token}`,
    `Bearer: ${token}`,
    `Bearer=${token}`,
    `Bearer "${token}"`,
    `Bearer '${token}'`,
    `Bearer <${token}>`,
    `Bearer ${token},`,
    `Bearer ,${token}`,
    `Bearer ${token} ${token}`,
    `Bearer x, Bearer ${token}`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer token=${token}`,
    `Token ${token}`,
    `Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
    `Basic ${Buffer.from(token).toString('base64')}`,
    `Digest ${token}`,
    `Negotiate ${token}`,
    `Bearer ${Buffer.from(token).toString('base64')}`,
    `Bearer ${Buffer.from(token).toString('hex')}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${token.slice(0, -1)}`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token}x`,
    `Bearer x${token}`,
    `Bearer ${token.split('').reverse().join('')}`,
    `Bearer ${token.replaceAll('-', '%2d')}`,
    `Bearer ${token.replaceAll('-', '_')}`,
    `Bearer ${token[0]}`,
    'Bearer *',
    'Bearer .*',
    'Bearer null',
    'Bearer undefined',
    'Bearer true',
    'Bearer 0',
    'Bearer []',
    'Bearer {}',
    'Bearer eyJhbGciOiJub25lIn0.e30.',
    "Bearer ' OR '1'='1",
    `Bearer ${'a'.repeat(8000)}`,
    `Bearer ${token}\u00ff`,
    `Bearer \u00ff\u00fe${token}`,
  ];
}

/** Header lines that carry the token in the wrong place, or twice. */
function wrongLines(token: string): readonly (readonly string[])[] {
  const right = `Authorization: Bearer ${token}`;
  return [
    [right, right],
    [right, 'Authorization: Bearer x'],
    ['Authorization: Bearer x', right],
    [right, 'authorization: Bearer x'],
    ['AUTHORIZATION: Bearer x', right],
    [right, 'Authorization:'],
    [`Proxy-Authorization: Bearer ${token}`],
    [`X-Authorization: Bearer ${token}`],
    [`X-Forwarded-Authorization: Bearer ${token}`],
    [`Authorization-X: Bearer ${token}`],
    [`Cookie: Authorization=Bearer ${token}; token=${token}`],
    [`X-Api-Key: ${token}`],
    [`Authorization : Bearer ${token}`],
    [` Authorization: Bearer ${token}`],
    [`Authorization\u0000: Bearer ${token}`],
    [`Authorization: Bearer\r\n ${token}`],
    ['X-Forwarded-For: 127.0.0.1', 'X-Real-IP: 127.0.0.1'],
    ['X-HTTP-Method-Override: GET', 'X-Original-URL: /health', 'X-Rewrite-URL: /health'],
    ['Host: localhost'],
    ['Upgrade: websocket', 'Connection: Upgrade'],
  ];
}

/** Other spellings of a protected path. */
const targets: readonly string[] = [
  '/webhook/alerts?token=TOKEN',
  '/webhook/alerts?access_token=TOKEN',
  '/webhook/alerts?authorization=Bearer%20TOKEN',
  '/webhook/%61lerts',
  '/webhook/team%2falerts',
  '/webhook/team%2Falerts',
  '/webhook/other/../alerts',
  '/webhook/other/..%2falerts',
  '/webhook/other%2f..%2falerts',
  '//webhook/alerts',
  '///webhook///alerts',
  '/webhook//alerts',
  '/webhook/./alerts',
  '/./webhook/alerts',
  '/webhook/alerts/',
  '/webhook/alerts/.',
  '/webhook/alerts//',
  '/webhook/alerts;x=1',
  '/webhook;x/alerts',
  '/webhook/alerts%00',
  '/webhook/alerts%20',
  '/webhook/alerts%0d%0aAuthorization:%20Bearer%20TOKEN',
  '/webhook/alerts#x',
  '/webhook%2falerts',
  '/webhook\\alerts',
  '/WEBHOOK/alerts',
  '/webhook/ALERTS',
  '/webhook/webhook/alerts',
  '/health/../webhook/alerts',
  '/health%2f..%2fwebhook%2falerts',
  '/livez/../api/v1/alerts',
  '/health?/../alerts=/webhook/alerts#'.replace('/health', '/webhook/alerts'),
  'http://127.0.0.1/webhook/alerts',
  'http://user:TOKEN@127.0.0.1/webhook/alerts',
  'https://evil.example/webhook/alerts',
  '/webhook/alerts/../../health',
  '*',
  'webhook/alerts',
  '/webhook/%zz',
  '/webhook/%c0%af',
  '/webhook/__proto__',
  '/webhook/constructor',
  '/webhook/',
  '/webhook',
  '/alerts',
  '//alerts',
  '/alerts/',
  '/api/v1/alerts',
  '/api/v1//alerts',
  '/api/v1/../v1/alerts',
  '/metrics',
  '/',
];

interface Case {
  readonly name: string;
  readonly text: string;
}

const cases: readonly Case[] = [
  ...wrongValues(sourceToken).map((value) => ({
    name: `webhook, Authorization: ${value.slice(0, 60)}`,
    text: request('POST', '/webhook/alerts', [`Authorization: ${value}`]),
  })),
  ...wrongValues(apiToken).map((value) => ({
    name: `API, Authorization: ${value.slice(0, 60)}`,
    text: request('POST', '/alerts', [`Authorization: ${value}`]),
  })),
  ...wrongLines(sourceToken).map((lines) => ({
    name: `webhook, ${lines.join(' + ')}`,
    text: request('POST', '/webhook/alerts', lines),
  })),
  ...wrongLines(apiToken).map((lines) => ({
    name: `API, ${lines.join(' + ')}`,
    text: request('GET', '/metrics', lines, ''),
  })),
  ...targets.map((target) => ({
    name: `POST ${target}`,
    text: request('POST', target.replaceAll('TOKEN', sourceToken)),
  })),
  {
    name: "the API's token at a webhook",
    text: request('POST', '/webhook/alerts', [`Authorization: Bearer ${apiToken}`]),
  },
  { name: "a Source's token at the API", text: request('POST', '/alerts', [`Authorization: Bearer ${sourceToken}`]) },
  { name: "another Source's token", text: request('POST', '/webhook/alerts', [`Authorization: Bearer ${otherToken}`]) },
  {
    name: "another Source's token, path tricks",
    text: request('POST', '/webhook/other/..%2falerts', [`Authorization: Bearer ${otherToken}`]),
  },
  {
    name: 'the token in the body',
    text: request('POST', '/webhook/alerts', [], `{"access_token":"${sourceToken}","alerts":[]}`),
  },
  {
    name: 'the token in a trailer',
    text: `POST /webhook/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\nf\r\n${body}\r\n0\r\nAuthorization: Bearer ${sourceToken}\r\n\r\n`,
  },
  {
    name: 'a request smuggled in a body',
    text: request(
      'POST',
      '/webhook/alerts',
      [],
      request('POST', '/webhook/alerts', [`Authorization: Bearer ${sourceToken}`]),
    ),
  },
];

describe('nobody gets in without the token', () => {
  it('in many ways', () => {
    expect(cases.length).toBeGreaterThanOrEqual(180);
    expect(new Set(cases.map((entry) => entry.text)).size).toBe(cases.length);
  });

  it.each(cases)('$name', async ({ text }) => {
    const { accepted, deadLetters } = reached;
    const before = [accepted.length, deadLetters.length];
    const { status } = await rawRequest(port, text);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(500);
    expect([accepted.length, deadLetters.length]).toEqual(before);
  });
});

describe('who has the token gets in', () => {
  it.each(['Bearer', 'bearer', 'BEARER'])('%s', async (scheme) => {
    const before = reached.accepted.length;
    const { status } = await rawRequest(
      port,
      request('POST', '/webhook/alerts', [`Authorization: ${scheme}   ${sourceToken}  `]),
    );
    expect(status).toBe(200);
    expect(reached.accepted).toHaveLength(before + 1);
    expect((await rawRequest(port, request('GET', '/', [`AUTHORIZATION: ${scheme} ${apiToken}`], ''))).status).toBe(
      200,
    );
  });

  it('with a token in UTF-8 too', async () => {
    const { server: own } = await fakeServer({ secrets: { get: () => 'pässwörd' } });
    const headers = {
      authorization: Buffer.from('Bearer pässwörd').toString('latin1'),
      'content-type': 'application/json',
    };
    expect((await own.inject({ method: 'POST', url: '/webhook/alerts', headers, payload: body })).statusCode).toBe(200);
    await own.close();
  });
});
