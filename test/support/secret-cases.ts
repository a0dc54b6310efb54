import { createRandom } from './random.ts';

/** A text, and what must not be left of it. */
export interface SecretCase {
  readonly kind: string;
  readonly text: string;
  readonly secret: string;
}

const lower = 'abcdefghijklmnopqrstuvwxyz';
const upper = lower.toUpperCase();
const digits = '0123456789';
const alphanumeric = lower + upper + digits;
const hex = `${digits}abcdef`;
const base64url = `${alphanumeric}-_`;

/** What the cases are made with: seeded, so that they are the same in every run. */
function createMaker(seed: number) {
  const random = createRandom(seed);
  const pick = <T>(items: readonly T[]): T => random.pick(items);
  const of = (alphabet: string, length: number): string =>
    Array.from({ length }, () => alphabet[random.between(0, alphabet.length - 1)]).join('');
  /** As tools make them: a letter first, digits and signs among the rest. */
  const password = (signs = '!#$%^*+~?-_'): string =>
    pick([
      () => `${of(lower, 6)}${of(digits, 2)}`,
      () => `${of(upper, 1)}${of(lower, 5)}${of(signs, 1)}${of(digits, 4)}`,
      () => of(alphanumeric, 16),
      () => `${of(alphanumeric, 7)}${of(signs, 1)}${of(alphanumeric, 7)}`,
      () => of(hex, 40),
    ])();
  const word = (): string => pick(['shop', 'billing', 'cart', 'ledger', 'search', 'mail', 'auth', 'stock']);
  return { pick, of, password, word };
}

type Maker = ReturnType<typeof createMaker>;
type Kind = (maker: Maker) => readonly [text: string, secret: string];

/** A token of a vendor, made of parts, so that no scanner takes this file for a leak; in one of several surroundings. */
const vendor =
  (...parts: readonly (string | readonly [alphabet: string, length: number])[]): Kind =>
  ({ of, pick, word }) => {
    const token = parts.map((part) => (typeof part === 'string' ? part : of(...part))).join('');
    const text = pick([
      `loaded ${token} for ${word()}`,
      `{"msg":"using ${token}","level":"info"}`,
      `https://api.example.com/${word()}?key=${token}&page=2`,
      `- ${token}`,
      `got '${token}', retrying in 5s`,
      `(${token})`,
      `value=${token}`,
    ]);
    return [text, token];
  };

const named =
  (names: readonly string[], write: (name: string, secret: string, maker: Maker) => string, signs?: string): Kind =>
  (maker) => {
    const secret = maker.password(signs);
    return [write(maker.pick(names), secret, maker), secret];
  };

const variables = [
  'DB_PASSWORD',
  'POSTGRES_PASSWORD',
  'API_TOKEN',
  'AWS_SECRET_ACCESS_KEY',
  'REDIS_PASS',
  'JWT_SECRET',
  'SESSION_SECRET',
  'SMTP_PASSWD',
];
const fields = [
  'password',
  'apiKey',
  'client_secret',
  'accessToken',
  'refresh_token',
  'privateKey',
  'webhookSecret',
  'dbPassword',
  'secret',
];
const options = ['password', 'token', 'api-key', 'client-secret', 'db-password', 'auth-token'];
const headers = [
  'X-Api-Key',
  'X-Auth-Token',
  'X-Vault-Token',
  'Private-Token',
  'X-Amz-Security-Token',
  'Proxy-Authorization',
  'Authorization',
];

const awkward = [',', ';', '&', '<', '{', '|', '(', ')', '@', ':', '/', '%', '='];
const awkwardPassword = ({ of, pick }: Maker): string =>
  `${of(alphanumeric, 5)}${pick(awkward)}${of(alphanumeric, 5)}${pick(awkward)}${of(alphanumeric, 4)}`;
const phrase = ({ pick }: Maker): string =>
  Array.from({ length: 4 }, () => pick(['correct', 'horse', 'battery', 'staple', 'lantern', 'copper', 'meadow'])).join(
    ' ',
  );

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** One line of base64 as in a key. */
const keyLines = ({ of }: Maker, lines: number): string =>
  Array.from({ length: lines }, () => of(alphanumeric, 64)).join('\n');
const pem = (maker: Maker, kind: string): readonly [string, string] => {
  const body = keyLines(maker, 3);
  return [`-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----`, body];
};

const kinds: Readonly<Record<string, Kind>> = {
  // Cloud.
  'AWS key id': vendor('AK', 'IA', [upper + digits, 16]),
  'AWS temporary key id': vendor('AS', 'IA', [upper + digits, 16]),
  'AWS secret key': (maker) => {
    const secret = maker.of(alphanumeric + '/+', 40);
    return [`aws_secret_access_key = ${secret}`, secret];
  },
  'Google API key': vendor('AI', 'za', [base64url, 35]),
  'Google access token': vendor('ya', '29.', [base64url, 60]),
  'Google OAuth secret': vendor('GOC', 'SPX-', [base64url, 28]),
  'Azure storage': (maker) => {
    const secret = `${maker.of(alphanumeric + '+/', 86)}==`;
    return [
      `DefaultEndpointsProtocol=https;AccountName=${maker.word()};AccountKey=${secret};EndpointSuffix=core.windows.net`,
      secret,
    ];
  },
  'Azure SAS': (maker) => {
    const secret = `${maker.of(alphanumeric, 43)}%3D`;
    return [`https://${maker.word()}.blob.core.windows.net/x?sv=2024-01-01&se=2026-01-01&sig=${secret}&sp=r`, secret];
  },
  'Azure client secret': vendor([alphanumeric, 3], '8Q', '~', [alphanumeric, 34]),
  'Service Bus': (maker) => {
    const secret = `${maker.of(alphanumeric, 43)}=`;
    return [`Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=${secret}`, secret];
  },
  DigitalOcean: vendor('dop', '_v1_', [hex, 64]),
  // Forges and registries.
  'GitHub token': vendor('gh', 'p_', [alphanumeric, 36]),
  'GitHub app token': vendor('gh', 's_', [alphanumeric, 36]),
  'GitHub fine-grained': vendor('github', '_pat_', [alphanumeric, 22], '_', [alphanumeric, 59]),
  'GitLab token': vendor('gl', 'pat-', [base64url, 20]),
  'GitLab runner': vendor('gl', 'rt-', [base64url, 20]),
  'GitLab deploy': vendor('gl', 'dt-', [base64url, 20]),
  npm: vendor('npm', '_', [alphanumeric, 36]),
  'npm _auth': (maker) => {
    const secret = base64(`${maker.word()}:${maker.password()}`);
    return [`//registry.example.com/:_auth=${secret}`, secret];
  },
  'npm _authToken': (maker) => {
    const secret = maker.of(alphanumeric, 30);
    return [`//registry.npmjs.org/:_authToken=${secret}`, secret];
  },
  PyPI: vendor('py', 'pi-', 'AgEIcHlwaS5vcmc', [base64url, 60]),
  'Docker token': vendor('dckr', '_pat_', [base64url, 27]),
  'Docker auth': (maker) => {
    const secret = base64(`${maker.word()}:${maker.password()}`);
    return [`{"auths":{"registry.example.com":{"auth":"${secret}"}}}`, secret];
  },
  Atlassian: vendor('ATA', 'TT3', [alphanumeric, 60], '=', [hex, 8]),
  // Chat.
  'Slack bot': vendor('xo', 'xb-', [digits, 12], '-', [digits, 12], '-', [alphanumeric, 24]),
  'Slack app': vendor('xa', 'pp-1-', [upper, 10], '-', [digits, 12], '-', [hex, 40]),
  'Slack webhook': (maker) => {
    const secret = `T${maker.of(upper, 8)}/B${maker.of(upper, 8)}/${maker.of(alphanumeric, 24)}`;
    return [`post to https://hooks.slack.com/services/${secret} failed`, secret];
  },
  'Discord bot': vendor('M', [alphanumeric, 23], '.', [alphanumeric, 6], '.', [base64url, 38]),
  'Discord webhook': (maker) => {
    const secret = maker.of(alphanumeric, 68);
    return [`https://discord.com/api/webhooks/${maker.of(digits, 18)}/${secret}`, secret];
  },
  Telegram: (maker) => {
    const secret = `${maker.of(digits, 10)}:AA${maker.of(base64url, 33)}`;
    return [`https://api.telegram.org/bot${secret}/sendMessage`, secret];
  },
  Teams: (maker) => {
    const secret = `${maker.of(hex, 8)}@${maker.of(hex, 8)}/IncomingWebhook/${maker.of(hex, 32)}`;
    return [`https://x.webhook.office.com/webhookb2/${secret}`, secret];
  },
  // Models, payments, mail, messages.
  OpenAI: vendor('sk', '-proj-', [base64url, 60]),
  Anthropic: vendor('sk', '-ant-api03-', [base64url, 90]),
  'Hugging Face': vendor('hf', '_', [alphanumeric, 34]),
  Groq: vendor('gsk', '_', [alphanumeric, 52]),
  Stripe: vendor('sk', '_live_', [alphanumeric, 24]),
  'Stripe webhook': vendor('wh', 'sec_', [alphanumeric, 32]),
  SendGrid: vendor('S', 'G.', [base64url, 22], '.', [base64url, 43]),
  Mailgun: vendor('key', '-', [hex, 32]),
  Mailchimp: vendor([hex, 32], '-us', '12'),
  'Twilio key': vendor('S', 'K', [hex, 32]),
  'Twilio auth token': (maker) => {
    const secret = maker.of(hex, 32);
    return [`TWILIO_AUTH_TOKEN=${secret}`, secret];
  },
  Shopify: vendor('shp', 'at_', [hex, 32]),
  // Operations.
  'Vault service': vendor('hv', 's.', [base64url, 95]),
  'Vault batch': vendor('hv', 'b.', [base64url, 140]),
  Databricks: vendor('da', 'pi', [hex, 32]),
  Grafana: vendor('gl', 'sa_', [alphanumeric, 32], '_', [hex, 8]),
  'New Relic': vendor('NR', 'AK-', [upper + digits, 27]),
  Linear: vendor('lin', '_api_', [alphanumeric, 40]),
  Notion: vendor('nt', 'n_', [digits, 11], [alphanumeric, 35]),
  Figma: vendor('fi', 'gd_', [base64url, 40]),
  Tailscale: vendor('ts', 'key-auth-', [alphanumeric, 12], '-', [alphanumeric, 32]),
  'Terraform Cloud': vendor([alphanumeric, 14], '.atl', 'asv1.', [alphanumeric, 67]),
  Pulumi: vendor('pu', 'l-', [hex, 40]),
  age: vendor('AGE-SEC', 'RET-KEY-1', [upper + digits, 58]),
  'Datadog key': (maker) => {
    const secret = maker.of(hex, 32);
    return [`DD_API_KEY=${secret}`, secret];
  },
  PagerDuty: (maker) => {
    const secret = maker.of(hex, 32);
    return [`{"routing_key":"${secret}","event_action":"trigger"}`, secret];
  },
  Sentry: (maker) => {
    const secret = maker.of(hex, 32);
    return [`sending to https://${secret}@o1.ingest.sentry.io/42`, secret];
  },
  'Cloudflare key': (maker) => {
    const secret = maker.of(hex, 37);
    return [`X-Auth-Key: ${secret}`, secret];
  },
  // Kubernetes.
  'ServiceAccount token': (maker) => {
    const secret =
      [80, 200].map((length) => ['ey', 'J', maker.of(base64url, length)].join('')).join('.') +
      `.${maker.of(base64url, 86)}`;
    return [`token for system:serviceaccount:shop:default is ${secret}`, secret];
  },
  'bootstrap token': (maker) => {
    const secret = `${maker.of(lower, 3)}4${maker.of(lower, 2)}.${maker.of(lower, 8)}7${maker.of(lower, 7)}`;
    return [`kubeadm join 10.0.0.1:6443 --token ${secret} --discovery-token-ca-cert-hash x`, secret];
  },
  'Secret as YAML': (maker) => {
    const secret = base64(maker.password());
    return [
      `apiVersion: v1\ndata:\n  username: ${base64('admin')}\n  config: ${secret}\nkind: Secret\nmetadata:\n  name: db\n`,
      secret,
    ];
  },
  'Secret as JSON': (maker) => {
    const secret = base64(maker.password());
    return [`{"apiVersion":"v1","kind":"Secret","data":{"user":"YWRtaW4=","config":"${secret}"}}`, secret];
  },
  'environment JSON': named(variables, (name, secret) => `{"name":"${name}","value":"${secret}"}`),
  'environment JSON, value first': named(variables, (name, secret) => `{"value":"${secret}","name":"${name}"}`),
  'environment YAML': named(
    variables,
    (name, secret) => `env:\n- name: ${name}\n  value: ${secret}\n- name: MODE\n  value: fast`,
  ),
  'environment YAML, value first': named(variables, (name, secret) => `env:\n- value: ${secret}\n  name: ${name}\n`),
  kubeconfig: (maker) => {
    const secret = maker.of(alphanumeric, 60);
    return [`users:\n- name: admin\n  user:\n    client-key-data: ${secret}\n`, secret];
  },
  // Connection strings.
  'URL password': named(
    ['postgres', 'mysql', 'amqp', 'redis', 'mongodb+srv'],
    (scheme, secret) => `cannot open ${scheme}://app:${secret}@db:5432/shop`,
    '!$*~-_',
  ),
  'URL password with a slash': (maker) => {
    const secret = `${maker.of(lower, 4)}/${maker.of(alphanumeric, 6)}`;
    return [`postgres://app:${secret}@db:5432/shop`, secret];
  },
  'URL password with more': (maker) => {
    const secret = `${maker.of(lower, 4)}${maker.pick(['@', ':', '/', '#', '?'])}${maker.of(alphanumeric, 6)}`;
    return [`url: amqp://user:${secret}@mq.example.com:5672/vhost`, secret];
  },
  'URL without a user': named(['redis', 'rediss'], (scheme, secret) => `${scheme}://:${secret}@cache:6379/0`, '!$*~-_'),
  'URL token': (maker) => {
    const secret = maker.of(alphanumeric, 30);
    return [`git clone https://${secret}@github.com/shop/web.git`, secret];
  },
  'URL OAuth': (maker) => {
    const secret = maker.of(alphanumeric, 24);
    return [`fatal: unable to access 'https://oauth2:${secret}@gitlab.com/shop/web.git/'`, secret];
  },
  'URL query': named(
    ['access_token', 'api_key', 'token', 'client_secret', 'password'],
    (name, secret) => `GET /v1/items?page=2&${name}=${secret}&sort=asc 200`,
    '!$*~-_',
  ),
  JDBC: named(
    ['password'],
    (name, secret) => `jdbc:sqlserver://db:1433;databaseName=shop;user=sa;${name}=${secret};encrypt=true`,
    '!$*~-_',
  ),
  'ADO.NET': named(
    ['Password', 'Pwd'],
    (name, secret) => `Server=db;Database=shop;User Id=sa;${name}=${secret};`,
    '!$*~-_',
  ),
  libpq: named(
    ['password'],
    (name, secret) => `host=db user=app ${name}=${secret} dbname=shop sslmode=require`,
    '!$*~-_',
  ),
  'Go MySQL': named(['tcp'], (net, secret) => `open app:${secret}@${net}(db:3306)/shop: refused`, '!$*~-_'),
  // Config files.
  'env file': named(variables, (name, secret) => `MODE=fast\n${name}=${secret}\nPORT=80`),
  'env file, export': named(variables, (name, secret) => `export ${name}="${secret}"`),
  'env file, awkward': (maker) => {
    const secret = awkwardPassword(maker);
    return [`MODE=fast\n${maker.pick(variables)}=${secret}\nPORT=80`, secret];
  },
  'env file, phrase': (maker) => {
    const secret = phrase(maker);
    return [`${maker.pick(variables)}=${secret}\nPORT=80`, secret];
  },
  JSON: named(fields, (name, secret) => `{"host":"db","${name}":"${secret}","port":5432}`),
  'JSON, pretty': named(fields, (name, secret) => `{\n  "host": "db",\n  "${name}": "${secret}"\n}`),
  'JSON, spaced': named(fields, (name, secret) => `{ "${name}" : "${secret}" }`),
  'JSON in JSON': named(fields, (name, secret) => JSON.stringify({ msg: JSON.stringify({ [name]: secret }) })),
  'JSON list': named(['passwords', 'tokens', 'apiKeys'], (name, secret) => `{"${name}":["${secret}","x"],"n":1}`),
  'JSON argv': named(options, (name, secret) => `"command":["app","--${name}","${secret}","--verbose"]`, '!#%^*+~?_'),
  'JSON header list': (maker) => {
    const secret = maker.of(alphanumeric, 30);
    return [`{"rawHeaders":["Accept","*/*","Authorization","Bearer ${secret}"]}`, secret];
  },
  YAML: named(fields, (name, secret) => `db:\n  host: db\n  ${name}: ${secret}\n`, '!$%^*+~?-_'),
  'YAML, awkward': (maker) => {
    const secret = awkwardPassword(maker);
    return [`db:\n  ${maker.pick(fields)}: ${secret}\n  host: db`, secret];
  },
  'YAML, phrase': (maker) => {
    const secret = phrase(maker);
    return [`db:\n  ${maker.pick(fields)}: ${secret}\n  host: db`, secret];
  },
  'YAML, quoted phrase': (maker) => {
    const secret = `${phrase(maker)}: ${maker.of(digits, 3)}`;
    return [`  ${maker.pick(fields)}: '${secret}'`, secret];
  },
  'YAML block': (maker) => {
    const secret = maker.password();
    return [`data:\n  ${maker.pick(fields)}: |\n    ${secret}\n  host: db`, secret];
  },
  'YAML folded block': (maker) => {
    const secret = maker.password();
    return [`${maker.pick(fields)}: >-\n  one\n  ${secret}\nhost: db`, secret];
  },
  'YAML, next line': named(fields, (name, secret) => `${name}:\n  ${secret}\nhost: db`, '_'),
  'YAML list': named(['passwords', 'tokens'], (name, secret) => `${name}:\n  - ${secret}\nhost: db`, '_'),
  'YAML argv': named(options, (name, secret) => `args:\n- --${name}\n- ${secret}\n- --verbose`, '_'),
  'YAML flow': named(fields, (name, secret) => `db: {host: db, ${name}: ${secret}, port: 1}`, '!$^*+~_'),
  properties: named(
    ['spring.datasource.password', 'app.jwt.secret', 'mail.smtp.password'],
    (name, secret) => `${name} = ${secret}`,
  ),
  INI: named(['password', 'secret_key'], (name, secret) => `[db]\nhost = x\n${name} = ${secret}\n`),
  TOML: named(fields, (name, secret) => `[db]\n${name} = "${secret}"`),
  HCL: named(fields, (name, secret) => `provider "x" {\n  ${name} = "${secret}"\n}`),
  PHP: named(fields, (name, secret) => `$config['${name}'] = '${secret}';`),
  'Python dict': named(fields, (name, secret) => `{'${name}': '${secret}', 'n': 1}`),
  'Python bytes': named(fields, (name, secret) => `${name}=b'${secret}'`),
  'Ruby hash': named(fields, (name, secret) => `{:${name}=>"${secret}"}`),
  'Go struct': named(
    ['Password', 'APIKey', 'ClientSecret'],
    (name, secret) => `&{Host:db ${name}:${secret} Port:5432}`,
    '!$*~_',
  ),
  'Java record': named(fields, (name, secret) => `Config[host=db, ${name}=${secret}, port=5432]`, '!$*~_'),
  XML: named(
    ['password', 'apiKey', 'db-password'],
    (name, secret) => `<db><host>x</host><${name}>${secret}</${name}></db>`,
  ),
  'XML attribute': named(['password', 'apiKey'], (name, secret) => `<db host="x" ${name}="${secret}"/>`),
  'XML property': named(
    ['password', 'connectionPassword'],
    (name, secret) => `<property name="${name}" value="${secret}"/>`,
  ),
  'XML entry': named(['db.password', 'api_token'], (name, secret) => `<entry key="${name}">${secret}</entry>`),
  SQL: named(['app'], (user, secret) => `CREATE USER '${user}'@'%' IDENTIFIED BY '${secret}';`),
  'SQL, plugin': named(
    ['app'],
    (user, secret) => `ALTER USER ${user} IDENTIFIED WITH mysql_native_password BY '${secret}'`,
  ),
  'SQL, PostgreSQL': named(['app'], (user, secret) => `ALTER ROLE ${user} WITH LOGIN PASSWORD '${secret}'`),
  netrc: named(['git'], (user, secret) => `machine example.com login ${user} password ${secret}`),
  pgpass: named(['app'], (user, secret) => `db.example.com:5432:shop:${user}:${secret}`, '!$*~_'),
  // Command lines.
  'option with a space': named(options, (name, secret) => `exec app --${name} ${secret} --verbose`, '!#%^*+~?_'),
  'option with =': named(options, (name, secret) => `exec app --${name}=${secret} --verbose`),
  mysql: named(['mysql', 'mysqldump'], (program, secret) => `${program} -h db -uroot -p${secret} shop`, '!*~_'),
  sshpass: named(['sshpass'], (program, secret) => `${program} -p ${secret} ssh root@host`, '!*~_'),
  'redis-cli': named(['redis-cli'], (program, secret) => `${program} -h cache -a ${secret} ping`, '!*~_'),
  'docker login': named(
    ['docker'],
    (program, secret) => `${program} login -u app -p ${secret} registry.example.com`,
    '!*~_',
  ),
  'curl user': named(['-u', '--user'], (option, secret) => `curl ${option} admin:${secret} http://x/health`, '!*~_'),
  'curl header': named(headers, (name, secret) => `curl -H '${name}: ${secret}' http://x`, '!*~_'),
  'before a program': named(
    ['PGPASSWORD', 'MYSQL_PWD', 'VAULT_TOKEN'],
    (name, secret) => `${name}=${secret} psql -h db -c 'select 1'`,
    '!*~_',
  ),
  // Headers and logs.
  header: named(headers, (name, secret) => `> ${name}: ${secret}\n> Accept: */*`),
  bearer: (maker) => {
    const secret = maker.of(alphanumeric, 32);
    return [`authorization: Bearer ${secret}`, secret];
  },
  'bearer in a sentence': (maker) => {
    const secret = `${maker.of(alphanumeric, 31)}7`;
    return [`request sent with bearer ${secret} failed`, secret];
  },
  'basic header': (maker) => {
    const secret = base64(`admin:${maker.password()}`);
    return [`Authorization: Basic ${secret}`, secret];
  },
  'signed request': (maker) => {
    const secret = maker.of(hex, 64);
    return [
      `Authorization: AWS4-HMAC-SHA256 Credential=x/20260101/eu/s3, SignedHeaders=host, Signature=${secret}`,
      secret,
    ];
  },
  cookie: (maker) => {
    const secret = maker.of(alphanumeric, 26);
    return [`Cookie: theme=dark; sid=${secret}; lang=de`, secret];
  },
  'set-cookie': (maker) => {
    const secret = maker.of(alphanumeric, 26);
    return [`Set-Cookie: session=${secret}; Path=/; HttpOnly`, secret];
  },
  logfmt: named(fields, (name, secret) => `level=info msg="connecting" ${name}=${secret} host=db`, '!$*~_'),
  'log, quoted': named(fields, (name, secret) => `2026-01-02T03:04:05Z INFO connecting ${name}="${secret}" host=db`),
  'log, colon': named(fields, (name, secret) => `2026-01-02T03:04:05Z INFO using ${name}: ${secret}`, '!$*~_'),
  coloured: named(
    ['password', 'token'],
    (name, secret) => `\u001b[36m${name}\u001b[0m=\u001b[0m${secret} host=db`,
    '!$*~_',
  ),
  'random after =': (maker) => {
    const secret = maker.of(alphanumeric, 40);
    return [`config x=${secret}`, secret];
  },
  'random before .': (maker) => {
    const secret = maker.of(alphanumeric, 40);
    return [`the value was ${secret}.`, secret];
  },
  'random key': (maker) => {
    const secret = maker.of(alphanumeric, 24);
    return [`${maker.pick(['STRIPE_KEY', 'signing-key', 'hmac_key', 'ENCRYPTION_KEY'])}=${secret}`, secret];
  },
  bcrypt: vendor('$2', 'b$12$', [alphanumeric, 53]),
  'crypt hash': vendor('$', '6$', [alphanumeric, 8], '$', [alphanumeric, 86]),
  // Keys.
  'RSA key': (maker) => pem(maker, 'RSA PRIVATE KEY'),
  'OpenSSH key': (maker) => pem(maker, 'OPENSSH PRIVATE KEY'),
  'PGP key': (maker) => pem(maker, 'PGP PRIVATE KEY BLOCK'),
  'key in JSON': (maker) => {
    const [text, body] = pem(maker, 'PRIVATE KEY');
    return [JSON.stringify({ type: 'service_account', private_key: text }), JSON.stringify(body).slice(1, -1)];
  },
  'key in YAML': (maker) => {
    const [text] = pem(maker, 'EC PRIVATE KEY');
    const indented = text.replaceAll('\n', '\n    ');
    return [`tls.key: |\n    ${indented}\nhost: db`, indented.split('\n')[1]?.trim() ?? ''];
  },
  'key in a log': (maker) => {
    const [text] = pem(maker, 'PRIVATE KEY');
    const logged = text
      .split('\n')
      .map((line) => `2026-01-02T03:04:05Z ${line}`)
      .join('\n');
    return [logged, text.split('\n')[2] ?? ''];
  },
  'key without its end': (maker) => {
    const [text, body] = pem(maker, 'PRIVATE KEY');
    return [`x\n${text.slice(0, -40)}`, body.slice(0, 120)];
  },
  'key without its beginning': (maker) => {
    const [text, body] = pem(maker, 'PRIVATE KEY');
    return [`${text.slice(30)}\nok`, body.slice(70)];
  },
  'cut at the end': named(['password'], (name, secret) => `{"${name}":"${secret}`),
};

/** In the middle of a value: no scanner knows it. */
const some = 'k7Qz2Lm9Xc4Vb8Nt1Rw6';

/** Written by hand, after the rules and against them. */
const byHand: readonly (readonly [text: string, secret: string])[] = [
  [`ENV DB_PASS hunter2x`, 'hunter2x'],
  [`ARG NPM_TOKEN=abc123def`, 'abc123def'],
  [`  POSTGRES_PASSWORD: "tr0ub4dor"`, 'tr0ub4dor'],
  [`--from-literal=password=hunter2x`, 'hunter2x'],
  [`helm upgrade x --set db.password=hunter2x,replicas=2`, 'hunter2x'],
  [`helm install --set-string auth.rootPassword=hunter2x`, 'hunter2x'],
  [`kubectl create secret generic a --from-literal=token=abc-999`, 'abc-999'],
  [`vault login hvs.${some}${some}`, some],
  [`"Authorization" => "Bearer ${some}"`, some],
  [`headers: { Authorization: 'Bearer ${some}' }`, some],
  [`authorization=Bearer ${some}`, some],
  [`{"headers":{"authorization":["Bearer ${some}"]}}`, some],
  [`X-API-KEY=${some}`, some],
  [`x-goog-api-key: ${some}`, some],
  [`Ocp-Apim-Subscription-Key: 0123abcd0123abcd0123abcd0123abcd`, '0123abcd'],
  [`spring.datasource.password=hunter2x`, 'hunter2x'],
  [`jdbc:mysql://db/shop?user=app&password=hunter2x`, 'hunter2x'],
  [`jdbc:oracle:thin:scott/tiger9@//db:1521/x`, 'tiger9'],
  [`sqlplus scott/tiger9@db`, 'tiger9'],
  [`mongodb://root:ex%40mple@mongo:27017`, 'ex%40mple'],
  [`amqps://u:p4ss@h/v`, 'p4ss'],
  [`smtp://u%40x.com:p4ssw@mail:587`, 'p4ssw'],
  [`DSN: user:p4ssw0rd@/dbname?charset=utf8`, 'p4ssw0rd'],
  [`dsn="host=db password=hunter2x"`, 'hunter2x'],
  [`Data Source=x;User=sa;Password="a;b"`, 'a;b'],
  [`password => 'hunter2x',`, 'hunter2x'],
  [`define('DB_PASSWORD', 'hunter2x');`, 'hunter2x'],
  [`os.environ["SECRET_KEY"] = "hunter2x"`, 'hunter2x'],
  [`String password = "hunter2x";`, 'hunter2x'],
  [`const apiKey: string = 'hunter2x'`, 'hunter2x'],
  [`password := "hunter2x"`, 'hunter2x'],
  [`.withPassword("hunter2x")`, 'hunter2x'],
  [`setPassword('hunter2x')`, 'hunter2x'],
  [`login(user="a", password="hunter2x")`, 'hunter2x'],
  [`user=app password='hunter 2x' host=db`, 'hunter 2x'],
  [`Password is: hunter2x`, 'hunter2x'],
  [`Your password is hunter2x`, 'hunter2x'],
  [`New password: hunter2x`, 'hunter2x'],
  [`Initial admin password: ${some}`, some],
  [`root token: s.${some}abcd`, some],
  [`Unseal Key 1: ${some}${some}mN0=`, some],
  [`Initial Root Token: hvs.${some}`, some],
  [`{\\"password\\":\\"hunter2x\\"}`, 'hunter2x'],
  [`{"Name":"PGPASSWORD","Value":"hunter2x"}`, 'hunter2x'],
  [`{"key":"api_key","value":"hunter2x","enabled":true}`, 'hunter2x'],
  [`name=DB_PASSWORD value=hunter2x`, 'hunter2x'],
  [`map[DB_PASSWORD:hunter2x MODE:fast]`, 'hunter2x'],
  [`[]string{"DB_PASSWORD=hunter2x", "MODE=fast"}`, 'hunter2x'],
  [`env: [DB_PASSWORD=hunter2x]`, 'hunter2x'],
  [`{EnvVar{Name:DB_PASSWORD,Value:hunter2x,}`, 'hunter2x'],
  [`<Password xsi:type="xsd:string">hunter2x</Password>`, 'hunter2x'],
  [`<wsse:Password Type="x#PasswordText">hunter2x</wsse:Password>`, 'hunter2x'],
  [`<add name="x" connectionString="Server=db;Password=hunter2x" />`, 'hunter2x'],
  [`curl -u admin:hunter2x http://x`, 'hunter2x'],
  [`curl --user=admin:hunter2x http://x`, 'hunter2x'],
  [`wget --password=hunter2x --user=a http://x`, 'hunter2x'],
  [`psql "postgresql://a:hunter2x@db/x"`, 'hunter2x'],
  [`mysql --password=hunter2x`, 'hunter2x'],
  [`mysqldump -uroot -p'hunter2x' shop`, 'hunter2x'],
  [`["mysql","-uroot","-phunter2x"]`, 'hunter2x'],
  [`redis-cli -a hunter2x`, 'hunter2x'],
  [`openssl enc -k hunter2x`, 'hunter2x'],
  [`az login --service-principal -u x -p hunter2x --tenant y`, 'hunter2x'],
  [`echo hunter2x | docker login --password-stdin`, 'hunter2x'],
  [`aws configure set aws_secret_access_key ${some}${some}`, some],
  [`cookie: session=abcdef123`, 'abcdef123'],
  [`JSESSIONID=ABCDEF0123456789ABCDEF`, 'ABCDEF0123456789'],
  [`PHPSESSID=abcdef0123456789`, 'abcdef0123456789'],
  [`connect.sid=s%3Aabc.def123456`, 'abc.def'],
  [`sessionid: 1234567890abcdef`, '1234567890abcdef'],
  [`GET /login?user=a&pass=hunter2x HTTP/1.1`, 'hunter2x'],
  [`/reset?token=abc123&x=1`, 'abc123'],
  [`?code=${some}&state=x`, some],
  [`#access_token=${some}&token_type=bearer`, some],
  [`sig=${some}%3D`, some],
  [`X-Amz-Signature=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef`, '0123456789abcdef'],
  [`PRIVATE_KEY=0x4c0883a69102937d6231471b5dbb6204fe512961708279f2a3a3e3b8a1b2c3d4`, '4c0883a6'],
  [`mnemonic: correct horse battery staple lantern copper meadow river stone cloud paper glass`, 'horse battery'],
  [`auth_token = "${some}"`, some],
  [`{"refreshToken": "a.b-c_d~e"}`, 'a.b-c_d~e'],
  [`apikey:${some}`, some],
  [`DD-API-KEY: 0123456789abcdef0123456789abcdef`, '0123456789abcdef'],
  [`password:\thunter2x`, 'hunter2x'],
  [`password : hunter2x`, 'hunter2x'],
  [`PASSWORD   =   hunter2x`, 'hunter2x'],
  [`passwd:hunter2x`, 'hunter2x'],
  [`pass=hunter2x;`, 'hunter2x'],
  [`pw: hunter2x`, 'hunter2x'],
];

/** Three of each kind, and those written by hand. */
export function secretCases(): readonly SecretCase[] {
  const handMade = byHand.map(([text, secret]) => ({ kind: 'by hand', text, secret }));
  const made = Object.entries(kinds).flatMap(([kind, make], index) =>
    [1, 2, 3].map((round) => {
      const [text, secret] = make(createMaker(index * 97 + round));
      return { kind, text, secret };
    }),
  );
  return [...made, ...handMade];
}
