/** Parts of names (lower case, without separators) whose values are secrets. */
const secretParts =
  /passw(?:or)?d|passphrase|passcode|secret|apikey|accesskey|privatekey|token|credential|authorization|cookie|signingkey|encryptionkey|connectionstring|accountkey|masterkey|licensekey|subscriptionkey|sharedkey|sessionid|webhookurl/;

/** Whole words of names. */
const secretWords: ReadonlySet<string> = new Set([
  'pwd',
  'pass',
  'jwt',
  'otp',
  'sas',
  'sig',
  'signature',
  'creds',
  'pgpass',
  'dsn',
]);

/** Names that end like this speak about a secret and do not hold it: `secretName`, `tokenExpirationSeconds`. */
const harmlessEnd =
  /(?:name|ref|keyref|path|file|files|count|seconds|ttl|type|version|length|size|limit|expiry|expiration|expires|enabled|required|policy|mode|mount|issuer|audience|audiences|url|uri|endpoint|id|ids|namespace|rotation|store|class|provider|source|used|remaining|total|budget)$/;

/** Whether a value under this name (variable, JSON key, header, option) is to be hidden. */
export function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
  if (words.some((word) => secretWords.has(word))) return true;
  const joined = words.join('');
  if (!secretParts.test(joined)) return false;
  if (/sessionid$|webhookurl$|accesskeyid$/.test(joined)) return true;
  return !harmlessEnd.test(joined);
}
