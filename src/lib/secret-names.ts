/** Parts of names (lower case, without separators) whose values are secrets. */
const secretParts =
  /passw(?:or)?d|passphrase|passcode|mnemonic|seedphrase|secret(?!ar)|apikey|accesskey|privatekey|token|credential|authorization|cookie|signingkey|encryptionkey|connectionstring|accountkey|masterkey|licensekey|subscriptionkey|sharedkey|functionkey|integrationkey|routingkey|sessionid|sessid|connectsid|webhookurl/;

/** Whole words of names. */
const secretWords: ReadonlySet<string> = new Set([
  'pwd',
  'pw',
  'pass',
  'passwd',
  'jwt',
  'otp',
  'totp',
  'psk',
  'sas',
  'sig',
  'signature',
  'creds',
  'pgpass',
  'dsn',
  'xoauth2',
]);

/** Names that end like this speak about a secret and do not hold it: `secretName`, `tokenExpirationSeconds`. */
const harmlessEnd =
  /(?:name|ref|keyref|path|dir|file|files|count|seconds|minutes|ms|ttl|type|kind|version|length|len|size|limit|expiry|expiration|expires|expiresat|expiresin|expiredat|age|enabled|disabled|required|optional|policy|mode|mount|mounted|mounts|issuer|audience|audiences|url|uri|endpoint|id|ids|namespace|rotation|rotatedat|store|class|provider|source|used|remaining|total|budget|prefix|format|algorithm|status|state|error|errors|exception|reason|valid|header|field|service|server|controller|manager|operator|driver|interval|createdat|updatedat|cacerthash)$/;

/** What ends like this holds a secret only where it looks like one. */
const weakParts = /(?:key|auth|salt|seed|credential|hash|code|pin|nonce|webhook|secretid|tokenid|pat)s?$/;

function partsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter(Boolean);
}

/** Whether a value under this name (variable, JSON key, header, option) is to be hidden. */
export function isSecretName(name: string): boolean {
  const words = partsOf(name);
  const joined = words.join('');
  const isNamed = words.some((word) => secretWords.has(word));
  if (isNamed) return !harmlessEnd.test(words.at(-1) ?? '') || words.length === 1;
  if (!secretParts.test(joined)) return false;
  if (/sess(?:ion)?id$|connectsid$|webhookurl$|accesskeyid$/.test(joined)) return true;
  return !harmlessEnd.test(joined);
}

/** Whether a value under this name is to be hidden where it looks random: `STRIPE_KEY`, `vault_secret_id`. */
export function mayBeSecretName(name: string): boolean {
  const joined = partsOf(name).join('');
  return (
    weakParts.test(joined) &&
    !/public|monkey|hashicorp|fingerprint|templatehash|podhash|sortkey|primarykey/.test(joined)
  );
}
