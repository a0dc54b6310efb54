import { isSecretName } from '../secret-names.ts';
import { isPlain } from './plain.ts';

type Report = (start: number, end: number) => void;

/** A pattern with the groups `secret`, and `name` where that decides. */
interface Structure {
  readonly pattern: RegExp;
  readonly accepts?: (secret: string) => boolean;
}

const quote = `\\\\{0,3}["']`;
const scalar = `(?:${quote}(?<quoted>[^"'\\n]{1,4096}?)${quote}|(?<plain>[^\\s,}"'][^\\n,}]{0,512}))`;
const nameWord = `(?<name>[A-Za-z0-9_.-]{1,128})`;

const structures: readonly Structure[] = [
  // Kubernetes' environment variables and others like them, in JSON and YAML, either order.
  {
    pattern: new RegExp(
      `(?<![A-Za-z])(?:name|key|Name|Key)${quote.replace('{0,3}', '{0,3}')}?\\s{0,8}[:=]\\s{0,8}(?:${quote})?${nameWord}(?:${quote})?[\\s,-]{0,40}(?:${quote})?[vV]alue(?:${quote})?\\s{0,8}[:=]\\s{0,8}${scalar}`,
      'dg',
    ),
  },
  {
    pattern: new RegExp(
      `(?<![A-Za-z])[vV]alue(?:${quote})?\\s{0,8}[:=]\\s{0,8}${scalar}[ \\t]{0,8},?\\s{1,40}(?:${quote})?(?:name|key|Name|Key)(?:${quote})?\\s{0,8}[:=]\\s{0,8}(?:${quote})?${nameWord}(?![\\w.-])`,
      'dg',
    ),
  },
  {
    pattern: new RegExp(
      `(?<=[{,]\\s{0,8}${quote}[vV]alue${quote}\\s{0,4}:\\s{0,4}${quote})(?<secret>[^"'\\n]{1,4096}?)${quote},\\s{0,8}${quote}(?:name|key)${quote}\\s{0,4}:\\s{0,4}${quote}${nameWord}`,
      'dgi',
    ),
  },
  // Options as items of a list: ["--password", "x"], - --password, and of options that are joined: "--password=x" is a pair.
  {
    pattern: new RegExp(
      `${quote}--?${nameWord}${quote}\\s{0,8},\\s{0,40}${quote}(?!-)(?<secret>[^"'\\n]{1,4096}?)${quote}`,
      'dg',
    ),
  },
  {
    pattern: new RegExp(
      `^[ \\t]{0,64}- ["']?--?${nameWord}["']?[ \\t]*\\r?\\n[ \\t]{0,64}- ["']?(?!-)(?<secret>[^"'\\n]{1,4096}?)["']?[ \\t]*$`,
      'dgm',
    ),
  },
  // Headers as items: ["authorization", "Bearer x"].
  {
    pattern: new RegExp(
      `${quote}(?:proxy-)?(?:authorization|cookie|set-cookie|x-api-key|x-auth-token|x-vault-token|private-token)${quote}\\s{0,8},\\s{0,40}\\[?\\s{0,8}${quote}(?<secret>[^"'\\n]{1,4096}?)${quote}`,
      'dgi',
    ),
  },
  // Programs with a short option for it.
  {
    pattern:
      /\b(?:mysql\w*|mariadb[\w-]*|mongo\w*|mycli)\b[^\n|;&]{0,512}?["'\s]-p(?!ort|rotocol|=|-)["']?(?<secret>[^\s"',\]]{1,256})/dg,
  },
  {
    pattern:
      /\b(?:mongo\w*|docker|podman|helm|skopeo|nerdctl|buildah|crane|az|oc|sshpass|rabbitmqadmin|pgcli|sqlcmd|ldap\w+|redis-cli|bcp|htpasswd|kinit|smbclient|unzip|zip|7z)\b[^\n|;&]{0,512}?\s(?:-p|-P|-a|-w|--pass)[ =]["']?(?<secret>[^\s"'-][^\s"']{0,255})/dg,
    accepts: (secret) => !/^(?:\d{1,5}(?::\d{1,5})?|[\d.]+:\d+(?::\d+)?|\/.*)$/.test(secret),
  },
  { pattern: /\b(?:-pass(?:in|out)?|-passin|-passout)\s+["']?pass:(?<secret>[^\s"']{1,256})/dg },
  { pattern: /\bhtpasswd\s+-\w*b\w*\s+(?:\S+\s+)?\S+\s+(?<secret>\S{1,256})/dg },
  {
    pattern: /\b(?:sqlplus|sqlldr|impdp?|expdp?|thin:)[^\n|;&]{0,256}?\s?[\w$#]{1,64}\/(?<secret>[^\s@/"']{1,256})@/dg,
  },
  { pattern: /\bopenssl\b[^\n|;&]{0,256}?\s-[kK]\s(?<secret>[^\s"'-]\S{0,255})/dg },
  {
    pattern:
      /\b(?:echo|printf)\s+(?:-n\s+)?["']?(?<secret>[^\s"'|-][^\s"'|]{0,255})["']?\s*\|[^\n]{0,256}?--password-stdin/dg,
  },
  { pattern: new RegExp(`^[ \\t]{0,16}ENV[ \\t]{1,4}${nameWord}[ \\t]{1,4}(?<secret>[^\\s=][^\\n]{0,1024})$`, 'dgm') },
  // Calls, and declarations with a type.
  {
    pattern: new RegExp(
      `\\(\\s{0,8}${quote}${nameWord}${quote}\\s{0,8},\\s{0,8}${quote}(?<secret>[^"'\\n]{1,4096}?)${quote}`,
      'dg',
    ),
  },
  {
    pattern: /(?<![A-Za-z0-9_])(?:set|with|add|use)(?<name>[A-Z]\w{0,63})\(\s{0,8}["'](?<secret>[^"'\n]{1,1024})["']/dg,
  },
  {
    pattern:
      /(?<![\w.-])(?<name>\w{1,64})\??: ?[A-Za-z][\w.<>[\]| ]{0,40}? ?= ?["'`](?<secret>[^"'`\n]{1,1024})["'`]/dg,
  },
  // Prose: "the password is x".
  {
    pattern:
      /\b(?:password|passphrase|passcode|api key|secret key|access token)\s(?:is|was|set to)(?::|\sset to)?\s(?<secret>[^\s"',;]{5,256})/dgi,
    accepts: (secret) => /\d/.test(secret) && /[A-Za-z]/.test(secret),
  },
  // XML: elements, attributes and entries.
  {
    pattern:
      /<(?:[\w-]{1,32}:)?(?<name>[A-Za-z_][\w.-]{0,127})(?:\s[^<>]{0,512})?>\s{0,40}(?:<!\[CDATA\[)?(?<secret>[^<>]{1,4096}?)\s{0,40}(?:\]\]>)?<\//dg,
  },
  {
    pattern:
      /<\w{1,64}\s[^<>]{0,256}?\b(?:name|key|id)\s?=\s?["'](?<name>[\w.-]{1,128})["'][^<>]{0,256}?(?:\bvalue\s?=\s?["'](?<quoted>[^"'<>]{1,4096})["']|>\s{0,40}(?<plain>[^<>]{1,4096}?)\s{0,40}<\/)/dg,
  },
  // SQL.
  {
    pattern:
      /(?<!\brevision )\bidentified\s+(?:with\s+\S{1,64}\s+)?(?:by|as)\s+(?:password\s+)?["'](?<secret>[^"'\n]{1,512})["']/dgi,
  },
  { pattern: /(?<!["'\w-])password(?:\s{1,8}(?:(?:to|is|=)\s{1,8})?|\s{0,8}\(\s{0,8})'(?<secret>[^'\n]{1,512})'/dgi },
  // .netrc, .pgpass, .git-credentials have URLs.
  { pattern: /\blogin\s+\S{1,256}\s+password\s+(?<secret>\S{1,512})/dg },
  { pattern: /^[^\s:#]{1,255}:(?:\d{2,5}|\*):[^\s:]{1,128}:[^\s:]{1,128}:(?<secret>[^\s:]\S{0,255})$/dgm },
];

/** Values that belong to a name by the structure around them. */
export function findStructures(text: string, report: Report): void {
  for (const { pattern, accepts } of structures) {
    for (const { groups = {}, indices } of text.matchAll(pattern)) {
      const { name } = groups;
      if (name !== undefined && !isSecretName(name)) continue;
      const group = (['secret', 'quoted', 'plain'] as const).find((candidate) => groups[candidate] !== undefined);
      const range = group === undefined ? undefined : indices?.groups?.[group];
      const secret = (groups[group ?? ''] ?? '').trimEnd();
      if (range === undefined || isPlain(secret, name ?? 'password') || accepts?.(secret) === false) continue;
      report(range[0], range[0] + secret.length);
    }
  }
}
