import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { partOf } from '../../test/support/rounds.ts';
import { newId } from './id.ts';
import { oneLine, printable, printableJson, printableYaml } from './printable.ts';
import { mask, redact, redactInTurns, redactObject } from './redact.ts';
import { isSecretName } from './secret-names.ts';

// Parts are joined here, so that no scanner takes the tests for leaks.
const join = (...parts: readonly string[]): string => parts.join('');
const random = 'k7Qz2Lm9Xc4Vb8Nt1Rw6Yp3Hs5Gd0JfAa3e';

/** Each kind: a text with a canary in it, and what must be left of it where that matters. */
const kinds: readonly (readonly [kind: string, text: string, canary: string, left?: string])[] = [
  ['key=value', 'connecting password=hunter2canary to db', 'hunter2canary', 'connecting password=[REDACTED] to db'],
  ['upper case variable', 'POSTGRES_PASSWORD=hunter2canary', 'hunter2canary'],
  [
    'camelCase JSON',
    '{"dbPassword":"hunter2canary","port":5432}',
    'hunter2canary',
    '{"dbPassword":"[REDACTED]","port":5432}',
  ],
  ['JSON with spaces (Jackson)', '{ "apiKey" : "hunter2canary" }', 'hunter2canary'],
  ['JSON inside JSON', 'msg="{\\"client_secret\\":\\"hunter2canary\\"}"', 'hunter2canary'],
  ['Python dict', "{'auth_token': 'hunter2canary'}", 'hunter2canary'],
  ['YAML', 'db:\n  password: hunter2canary\n  host: db', 'hunter2canary', 'db:\n  password: [REDACTED]\n  host: db'],
  ['quoted value with spaces', 'passphrase="correct horse canary"', 'canary'],
  [
    'option with a space',
    'exec app --db-password hunter2canary --verbose',
    'hunter2canary',
    'exec app --db-password [REDACTED] --verbose',
  ],
  ['option with =', 'exec app --token=hunter2canary', 'hunter2canary'],
  ['environment object', '{"name":"DB_PASSWORD","value":"hunter2canary"}', 'hunter2canary'],
  ['environment YAML', '- name: DB_PASSWORD\n  value: hunter2canary', 'hunter2canary'],
  ['bearer header', 'Authorization: Bearer hunter2canary', 'hunter2canary', 'Authorization: [REDACTED]'],
  ['basic header', 'authorization: Basic dXNlcjpjYW5hcnk=', 'dXNlcjpjYW5hcnk'],
  ['bearer without a name', 'sent bearer abcd1234canary5678', 'abcd1234canary5678'],
  ['cookie', 'Cookie: sid=canary1; theme=dark; csrf=canary2', 'canary'],
  [
    'JWT',
    `got ${join('eyJhbGciOiJIUzI1NiJ9', '.eyJzdWIiOiJjYW5hcnkifQ', '.c2lnbmF0dXJl')} from`,
    'eyJzdWIi',
    'got [REDACTED] from',
  ],
  ['AWS key id', `id ${join('AKIA', 'IOSFODNN7EXAMPLE')}`, 'IOSFODNN7'],
  [
    'AWS secret key',
    `aws_secret_access_key = ${join('wJalrXUtnFEMI/K7MDENG', '/bPxRfiCYEXAMPLEKEY')}`,
    'wJalrXUtnFEMI',
  ],
  ['GCP key', join('AIza', 'SyA1234567890abcdefghijklmnopqrstuvw'), 'SyA1234567890'],
  ['GCP access token', join('ya29.', 'a0AfH6SMBcanary_1234567890'), 'canary'],
  ['GitHub token', join('ghp_', 'abcdefghijklmnopqrstuvwxyz0123456789'), 'abcdefghij'],
  ['GitHub fine-grained', join('github_pat_', '11ABCDEFG0canaryxxxxxxxxxxxx'), 'canary'],
  ['GitLab token', join('glpat-', 'canary1234567890abcd'), 'canary'],
  ['Slack token', join('xoxb-', '123456789012-canary'), 'canary'],
  ['Slack webhook', join('https://hooks.slack.com/services/', 'T000/B000/canarycanarycanary'), 'canary'],
  ['OpenAI key', join('sk-proj-', 'canary1234567890abcdefgh'), 'canary'],
  ['Anthropic key', join('sk-ant-', 'api03-canary1234567890abcdefgh'), 'canary'],
  ['Stripe key', join('sk_live_', 'canary1234567890'), 'canary'],
  ['npm token', join('npm_', 'canary1234567890abcdefghijklmnopqrst'), 'canary'],
  ['Vault token', join('hvs.', 'CAESIcanary1234567890'), 'canary'],
  ['SendGrid key', join('SG.', 'canary1234567890ab.canary1234567890ab'), 'canary'],
  ['Telegram bot', join('bot 123456789:', 'AAcanary890123456789012345678901234'), 'AAcanary'],
  // Known by the rule set only.
  ['Vercel token', join('vc', 'p_', 'canaryabcdefghijklmnopqr'), 'canaryabc'],
  ['Cloudflare token', join('cf', 'ut_', 'canary'.repeat(7).slice(0, 40), '0a1b2c3d'), 'canarycan'],
  ['bcrypt', join('$2b$12$', 'canaryKz2XQ9v1L0Y7T6R5P4O3N2M1K0J9H8G7F6E5D4C3B2A1.0abc'), 'canary'],
  [
    'private key',
    '-----BEGIN RSA PRIVATE KEY-----\nMIIcanary\n-----END RSA PRIVATE KEY-----\nnext',
    'MIIcanary',
    '[REDACTED]\nnext',
  ],
  [
    'private key in JSON',
    '{"k":"-----BEGIN PRIVATE KEY-----\\nMIIcanary\\n-----END PRIVATE KEY-----\\n"}',
    'MIIcanary',
  ],
  ['private key cut at the end', 'x\n-----BEGIN EC PRIVATE KEY-----\nMIIcanary', 'MIIcanary', 'x\n[REDACTED]'],
  [
    'private key cut at the start',
    `${'QUJDcanary'.repeat(5)}\n${'QUJDcanary'.repeat(5)}\n-----END PRIVATE KEY-----\nok`,
    'canary',
    '[REDACTED]\nok',
  ],
  ['URL password', 'postgres://app:p@ss-canary@db:5432/shop', 'canary', 'postgres://app:[REDACTED]@db:5432/shop'],
  ['URL without user', 'redis://:canary@cache:6379', 'canary'],
  ['Go MySQL DSN', 'open app:canary@tcp(db:3306)/shop', 'canary', 'open app:[REDACTED]@tcp(db:3306)/shop'],
  ['curl -u', 'curl -u admin:canary http://x', 'canary'],
  [
    'Azure connection string',
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=canary1234==;EndpointSuffix=x',
    'canary',
  ],
  ['coloured name', '\u001b[36mpassword\u001b[0m=\u001b[0mhunter2canary', 'hunter2canary'],
  ['random string', `value ${random}`, random],
];

describe('redact', () => {
  test.each(kinds.map(([kind, text, canary, left]) => ({ kind, text, canary, left })))(
    'hides: $kind',
    ({ text, canary, left }) => {
      const result = redact(text);
      expect(text).toContain(canary);
      expect(result).not.toContain(canary);
      expect(result).toContain(mask);
      if (left !== undefined) expect(result).toBe(left);
      expect(redact(result)).toBe(result);
    },
  );

  test.each([
    'FATAL: DATABASE_URL is not set',
    '/entrypoint.sh: line 14: GEOIP_LICENSE_KEY: unbound variable',
    "Can't locate revision identified by '8f2c1e77ab90'",
    'secret "checkout-db" not found',
    'MountVolume.SetUp failed for volume "checkout-secret" : secret "checkout-secret" not found',
    "couldn't find key DATABASE_PASSWORD in Secret shop/checkout-db",
    'secretName: checkout-db tokenExpirationSeconds: 3607',
    'registry.example.com/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',
    'containerd://8d1f0e6a35c1d9d1f2f5a7b0c9e8d7c6b5a4938271605f4e3d2c1b0a99887766',
    'pod checkout-7d9f8b6c5d-x2x4z uid 0b6f2f0a-31a5-4b3c-9f52-6f5d3d1f2a11',
    'GET http://payments.billing.svc:8080/v1/charge?id=77 200 18 ms',
    'used 512 tokens: 4096 of max_tokens=8192',
    'at openDatabase (/app/src/database.js:18:11)',
    '0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available',
    'path /var/lib/kubelet/pods/0b6f2f0a-31a5-4b3c-9f52/volumes/kubernetes.io~projected/kube-api-access',
  ])('leaves what an investigation needs: %s', (text) => {
    expect(redact(text)).toBe(text);
  });

  test('takes linear time on hostile input', () => {
    const size = 70_000;
    const hostile = [
      ...'a - " \\ :: = % < a. a: a@ a/ A1b'.split(' '),
      ...'password eyJ ey. sk- :// password=[ password={{ cookie={ name:token,value:\\" key= key=key value:'.split(' '),
      ...'token=a& token=a; _auth= https://a https://a: "--password", <password> </a> {"a": $2b$12$ {SSHA}'.split(' '),
      'password: |\n ',
      'password: a ',
      'password:\n - a\n',
      'value: x name: ',
      'token: "',
      "password '",
      'mysql -p',
      'bearer ',
      'authorization: digest ',
      'identified by ',
      '-----BEGIN PRIVATE KEY',
      '-----BEGIN PRIVATE KEY-----\n',
      '-----END PRIVATE KEY-----\n',
      'kind: Secret\ndata:\n a: b\n',
      '"kind":"Secret","data":{',
      '\n ',
    ];
    for (const part of partOf(hostile)) {
      const text = part.repeat(Math.ceil(size / part.length));
      const before = process.threadCpuUsage();
      redact(text);
      // Microseconds of this thread, so that a busy machine does not count; what is quadratic takes many times as long.
      expect(process.threadCpuUsage(before).user, part).toBeLessThan(500_000);
    }
  });

  test('takes linear time on many ends of keys in one line', () => {
    const before = process.threadCpuUsage();
    expect(redact('-----END PRIVATE KEY-----'.repeat(30_000))).toBe(mask);
    expect(process.threadCpuUsage(before).user).toBeLessThan(1_500_000);
  });

  test('looks through what grep writes around a match', () => {
    const red = '\u001b[01;31m\u001b[K';
    expect(redact(`${red}password\u001b[m\u001b[K=hunter2canary host=db`)).toBe(`password=${mask} host=db`);
  });

  test('bounds the text', () => {
    expect(redact(' '.repeat(9_000_000)).length).toBeLessThan(8_400_000);
  });
});

test('a long text is redacted in turns as in one go', async () => {
  const part = `line of a log\npassword=hunter2canary host=db\ntoken: |\n  one\n  two\nhost: ${'x'.repeat(300)}\n`;
  const text = part.repeat(400);
  const result = await redactInTurns(text);
  expect(result).toBe(redact(text));
  expect(result).toBe(part.replace('hunter2canary', mask).replace('one\n  two', mask).repeat(400));
});

test('a value that is longer than a piece is masked to its end', () => {
  const value = 'hunter2canary'.repeat(10_000);
  expect(redact(`password=${value}\nnext`)).toBe(`password=${mask}\nnext`);
  expect(redact(`{"password":"${value}","next":1}`)).toBe(`{"password":"${mask}","next":1}`);
  expect(redact(`password: |\n  ${value}\n  ${value}\nnext`)).toBe(`password: |\n  ${mask}\nnext`);
  const key = `-----BEGIN PRIVATE KEY-----\n${'QUJDcanary\n'.repeat(5000)}-----END PRIVATE KEY-----`;
  expect(redact(`a\n${key}\nb`)).toBe(`a\n${mask}\nb`);
});

test('a comment in the text switches no rule off', () => {
  const token = join('gl', 'pat-', 'canary1234567890abcd');
  expect(redact(`secretlint-disable\n${token}\n// secretlint-disable-line ${token}`)).not.toContain('canary');
});

describe('redactObject', () => {
  test('masks values by name, in variables, options and nested text, and keeps the shape', () => {
    const object = {
      env: [
        { name: 'DB_PASSWORD', value: 'canary' },
        { name: 'MODE', value: 'fast' },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'db', key: 'token' } } },
      ],
      args: ['--password', 'canary', '--verbose'],
      password: 'canary',
      replicas: 3,
      note: 'token=canary',
      secretName: 'db',
      tokens: ['canary', 'canary2'],
      attribute: { Value: 'canary', Key: 'api_key' },
      failure: { token: 'expired', password: 'is required' },
      printed: { kind: 'Secret', data: { neutral: 'canary' }, stringData: { other: 'canary' } },
    };
    const result = redactObject(object);
    expect(JSON.stringify(result)).not.toContain('canary');
    expect(result).toMatchObject({
      env: [
        { name: 'DB_PASSWORD', value: mask },
        { name: 'MODE', value: 'fast' },
        { valueFrom: { secretKeyRef: { name: 'db', key: 'token' } } },
      ],
      args: ['--password', mask, '--verbose'],
      replicas: 3,
      secretName: 'db',
      tokens: [mask, mask],
      attribute: { Value: mask, Key: 'api_key' },
      failure: { token: 'expired', password: mask },
      printed: { kind: 'Secret', data: { neutral: mask } },
    });
  });
});

describe('isSecretName', () => {
  test.each([
    'password',
    'DB_PASS',
    'githubToken',
    'x-api-key',
    'AWS_SECRET_ACCESS_KEY',
    'clientSecret',
    'MYSQLROOTPASSWORD',
    'pgpass',
    'sig',
  ])('%s is', (name) => {
    expect(isSecretName(name)).toBe(true);
  });
  test.each([
    'secretName',
    'keyRef',
    'passengers',
    'monkey',
    'author',
    'tokenExpirationSeconds',
    'port',
    'bypass-cache',
    'compass',
  ])('%s is not', (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

describe('printable (R3)', () => {
  test.each([
    ['escape', 'a\u001b[2Jb', 'a\\u{1b}[2Jb'],
    ['carriage return', 'safe\revil', 'safe\\u{d}evil'],
    ['C1', 'a\u009bb', 'a\\u{9b}b'],
    ['bidirectional override', 'a\u202eb', 'a\\u{202e}b'],
    ['zero width', 'pay\u200bload', 'pay\\u{200b}load'],
    ['tag characters', 'a\u{e0041}b', 'a\\u{e0041}b'],
    ['lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
    ['line separator', 'a\u2028b', 'a\\u{2028}b'],
  ])('shows %s escaped', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
  });
  test('leaves text of any language, tabs and line ends', () => {
    expect(printable('Überlast: 接続 🙂\n\tok\r\n')).toBe('Überlast: 接続 🙂\n\tok\n');
  });
  test('JSON and YAML stay what they are, and read back the same', async () => {
    const value = { 'k\u202ey': 'a\u001b[2J\u009bb\u{e0041}c', lines: 'one\ntwo\u2028' };
    const json = printableJson(JSON.stringify(value));
    const yaml = await printableYaml(value);
    expect(JSON.parse(json)).toEqual(value);
    expect(parse(yaml)).toEqual(value);
    for (const text of [json, yaml]) expect(printable(text)).toBe(text);
    expect(await printableYaml({ plain: 'as it is' })).toBe('plain: as it is\n');
  });
  test('oneLine folds and cuts', () => {
    expect(oneLine('a\n  b\tc')).toBe('a b c');
    expect(oneLine('x'.repeat(400), 10)).toBe('xxxxxxxxx…');
  });
});

test('ids of rows stay, and a short text has the same answer each time', async () => {
  for (let n = 0; n < 200; n++) {
    const id = newId();
    expect(await redactInTurns(id)).toBe(id);
    expect(redact(id)).toBe(id);
  }
  for (let n = 0; n < 5000; n++) redact(`text ${n}`);
  const secret = join('password', '=', 'hunter2canary');
  for (let n = 0; n < 3; n++) expect(redact(secret)).toBe('password=[REDACTED]');
});
