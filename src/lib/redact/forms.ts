import { createRequire } from 'node:module';

type Report = (start: number, end: number) => void;

/** A pattern whose group `secret` is masked; without one, all of it. Each begins at the edge of a word, so that a long run of letters is tried once. */
const form = (source: string, flags = 'g'): RegExp => new RegExp(`(?<![A-Za-z0-9_-])(?:${source})`, `${flags}d`);

/** Formats of tokens that the rule set does not have, or has with exact lengths only: a cut token is one, too. */
const tokens: readonly RegExp[] = [
  // JSON Web Tokens (RFC 7519), ServiceAccount tokens among them; the signature may be cut off.
  form('eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]{6,}(?:\\.[A-Za-z0-9_-]*){0,3}'),
  // AWS, Google, Azure.
  form('(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])'),
  form('AIza[A-Za-z0-9_-]{35}|ya29\\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}|1//0[A-Za-z0-9_-]{30,}'),
  form('[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}'),
  // Forges and registries.
  form('gh[pousr]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{20,}|v1\\.[0-9a-f]{40}(?![0-9a-f])'),
  form('gl(?:pat|dt|rt|rtr|ptt|cbt|oas|soat|agent|ft|imt|wt|ffct)-[A-Za-z0-9_.-]{16,}|GR1348941[A-Za-z0-9_-]{20,}'),
  form(
    'npm_[A-Za-z0-9]{30,}|pypi-[A-Za-z0-9_-]{40,}|rubygems_[a-f0-9]{40,}|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|cio[A-Za-z0-9]{32}',
  ),
  form('ATATT3[A-Za-z0-9_=-]{20,}|ATCTT3[A-Za-z0-9_=-]{20,}|ATBB[A-Za-z0-9]{24,}|AKCp[A-Za-z0-9]{50,}|oy2[a-z0-9]{43}'),
  // Chat.
  form('xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}|xoxe\\.xox[bp]-[A-Za-z0-9-]{10,}'),
  form('[0-9]{8,10}:AA[A-Za-z0-9_-]{30,}'),
  /(?<=\/bot)\d{8,10}:[A-Za-z0-9_-]{30,}/dg,
  form('[MNO][A-Za-z\\d_-]{23,26}\\.[A-Za-z\\d_-]{6}\\.[A-Za-z\\d_-]{27,}|mfa\\.[A-Za-z0-9_-]{40,}'),
  // Models, payments, mail, messages.
  form(
    'sk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{20,}|[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}',
  ),
  form('hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}'),
  form(
    'SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}|key-[0-9a-f]{32}|xkeysib-[a-f0-9]{60,}-[A-Za-z0-9]{10,}|re_[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}|[0-9a-f]{32}-us[0-9]{1,2}',
  ),
  form(
    'SK[0-9a-f]{32}|sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}|EAAA[A-Za-z0-9_-]{60}|access_token\\$(?:production|sandbox)\\$[a-z0-9]{16}\\$[a-f0-9]{32}',
  ),
  // Operations.
  form(
    'hv[sbr]\\.[A-Za-z0-9_-]{20,}|s\\.[A-Za-z0-9]{24}(?![A-Za-z0-9])|do[opr]_v1_[a-f0-9]{40,}|dapi[a-f0-9]{32}|dp\\.(?:pt|st|ct|sa|scim|audit)\\.[A-Za-z0-9._-]{20,}',
  ),
  form(
    'glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2}|eyJrIjoi[A-Za-z0-9]{40,}={0,2}|NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9_-]{32}|sntry[su]_[A-Za-z0-9+/=_]{40,}',
  ),
  form(
    'lin_api_[A-Za-z0-9]{30,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}|figd_[A-Za-z0-9_-]{30,}|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|pul-[a-f0-9]{40}',
  ),
  form(
    'shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|tskey-[a-z]+-[A-Za-z0-9-]{16,}|pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,}|[A-Za-z0-9]{14}\\.atlasv1\\.[A-Za-z0-9_=-]{60,}|fo1_[A-Za-z0-9_-]{40,}|FlyV1 fm\\d_[A-Za-z0-9+/=,_]{50,}',
  ),
  form('[a-z0-9]{6}\\.[a-z0-9]{16}(?![a-z0-9.])(?<=[0-9][a-z0-9.]{0,21})(?<=[a-z][a-z0-9.]{0,21})'),
  form('K10[a-f0-9]{64}::[\\w.-]+:\\S{16,}|AGE-SECRET-KEY-1[A-Z0-9]{40,}|ops_eyJ[A-Za-z0-9_-]{50,}={0,2}'),
  // Password hashes: crypt(3), argon2, PBKDF2, SCRAM, LDAP.
  /\$(?:2[abxy]\$\d{2}\$[./A-Za-z0-9]{20,}|[156y]\$(?:[^\s$]{1,64}\$){1,3}[./A-Za-z0-9]{20,}|apr1\$[^\s$]{1,16}\$[./A-Za-z0-9]{20,}|argon2(?:id|i|d)\$[^\s"']{20,}|scrypt\$[^\s"']{20,})/dg,
  /(?:pbkdf2_sha(?:256|1|512)\$\d+\$|SCRAM-SHA-(?:256|1)\$\d+:|\{S?SHA(?:256|512)?\})[^\s"',;]{16,}/dg,
  // Addresses that are secrets.
  /hooks\.slack\.com\/(?:services|workflows|triggers)\/(?<secret>[A-Za-z0-9/_-]{10,})/dg,
  /discord(?:app)?\.com\/api\/(?:v\d+\/)?webhooks\/\d+\/(?<secret>[A-Za-z0-9_-]{10,})/dg,
  /(?:webhook\.office\.com|outlook\.office\.com)\/webhook(?:b2)?\/(?<secret>[^\s"'<>]{10,})/dg,
  /(?:events\.pagerduty\.com\/(?:integration|generic)\/|opsgenie\.com\/[^\s"']{0,64}(?:apiKey|token)=|\/hooks\/|hooks\.zapier\.com\/hooks\/catch\/\d+\/|maker\.ifttt\.com\/trigger\/\w+\/with\/key\/)(?<secret>[A-Za-z0-9_-]{7,})/dg,
  // Headers without a name before them.
  /(?<![A-Za-z])(?:bearer|basic)\s{1,4}(?<secret>(?=[A-Za-z0-9+/._~-]*[0-9A-Z+/_~=])[A-Za-z0-9+/._~-]{12,}={0,2})/dgi,
];

/** Formats of tokens, whatever stands around them. */
export function findForms(text: string, report: Report): void {
  for (const pattern of tokens) {
    for (const match of text.matchAll(pattern)) {
      const [start, end] = match.indices?.groups?.['secret'] ?? match.indices?.[0] ?? [0, 0];
      report(start, end);
    }
  }
  rulesOfPreset(text, report);
}

// The part of a rule of secretlint that is used (@secretlint/types: SecretLintRuleCreator, SecretLintRuleContext).
interface RuleCreator {
  readonly meta: { readonly id: string };
  create(
    context: {
      readonly sharedOptions: object;
      createTranslator(): () => object;
      report(found: { readonly range: readonly [number, number] }): void;
      ignore(): void;
    },
    options: object,
  ): { file?(source: { readonly content: string; readonly filePath: undefined }): void };
}

/**
 * Rules that are not used: comments in a text must not switch rules off; keys, webhooks and URLs are found by our own, with
 * their hosts kept; a Google key is a private key; and those for AWS and npm report another range than that of the secret.
 */
const unused = /filter-comments|privatekey|basicauth|database-connection-string|rule-(?:gcp|slack|aws|npm)$/;

let preset: ((text: string, report: Report) => void) | undefined;

/** The rules of secretlint's recommended preset, called one by one: its own runner is asynchronous, these are not. Loaded at the first use. */
function rulesOfPreset(text: string, report: Report): void {
  preset ??= loadPreset();
  preset(text, report);
}

function loadPreset(): (text: string, report: Report) => void {
  const { rules } = createRequire(import.meta.url)('@secretlint/secretlint-rule-preset-recommend') as {
    readonly rules: readonly RuleCreator[];
  };
  let sink: Report = () => undefined;
  const context = {
    sharedOptions: {},
    createTranslator: () => () => ({ message: '', messageId: '' }),
    report: ({ range }: { readonly range: readonly [number, number] }) => sink(range[0], range[1]),
    ignore: () => undefined,
  };
  const files = rules.filter(({ meta }) => !unused.test(meta.id)).map((rule) => rule.create(context, {}));
  return (content, report) => {
    sink = report;
    for (const rule of files) rule.file?.({ content, filePath: undefined });
  };
}
