type Report = (start: number, end: number) => void;

const authority = /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,30}:\/\/)([^\s"'`<>\\]{1,2048})/gi;
/** Go's MySQL form. */
const mysqlDsn = /(?<![\w.-])[\w.-]{1,64}:(?<secret>[^\s:"'][^\s"']{0,255}?)@(?=(?:tcp|tcp6|unix)\()/dg;
const scpPassword = /(?<![\w-])(?:-u|--user|--proxy-user|-U)[ =]?["']?[^\s:"'%]{1,128}[:%](?<secret>[^\s"']{1,256})/dg;

/** Passwords and tokens in URLs: `scheme://user:password@host`, `https://TOKEN@host`. Hosts and users stay. */
export function findUrls(text: string, report: Report): void {
  for (const { 1: scheme = '', 2: rest = '', index } of text.matchAll(authority)) {
    const found = secretOf(scheme, rest);
    if (found === null) continue;
    const start = index + scheme.length;
    report(start + found[0], start + found[1]);
  }
  for (const pattern of [mysqlDsn, scpPassword]) {
    for (const { indices } of text.matchAll(pattern)) {
      const [start, end] = indices?.groups?.['secret'] ?? [0, 0];
      report(start, end);
    }
  }
}

/** Where the secret part is in what follows `scheme://`; null where there is none. */
function secretOf(scheme: string, rest: string): readonly [number, number] | null {
  // Lists of addresses, and further URLs, begin anew.
  const one = rest.split(/,(?=[a-z][a-z0-9+.-]*:\/\/)/i, 1)[0] ?? '';
  const query = one.search(/[?#]/);
  const beforeQuery = query < 0 ? one : one.slice(0, query);
  const at = beforeQuery.includes('@') ? beforeQuery.lastIndexOf('@') : one.lastIndexOf('@');
  if (at <= 0) return null;
  const colon = one.indexOf(':');
  if (colon < 0 || colon > at) return /^https?|^git|^ssh|^ftp/i.test(scheme) ? tokenAt(one.slice(0, at)) : null;
  // A port: the `@` is in the path or the query.
  if (/^\d{1,5}(?:[/?#,]|$)/.test(one.slice(colon + 1)) && /[/?#]/.test(one.slice(colon + 1, at))) return null;
  const user = one.slice(0, colon);
  if (/[/?#]/.test(user)) return null;
  const password = one.slice(colon + 1, at);
  if (/^(?:x-oauth-basic|x-token-auth)?$/.test(password)) return tokenAt(user);
  return /^(?:\$\{[^}]*\}|\$\([^)]*\)|\$[A-Z_]+|<[^>]*>|\*+|x{3,}|\[REDACTED\]|%s)$/i.test(password)
    ? null
    : [colon + 1, at];
}

/** A user that is a token: long, with digits or mixed. */
function tokenAt(user: string): readonly [number, number] | null {
  if (user.includes('/') || user.length < 12) return null;
  return user.length >= 20 || /\d/.test(user) ? [0, user.length] : null;
}
