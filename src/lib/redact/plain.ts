// Words that say why something failed stand where a secret could: `credentials: expired`, `password: required`.

/** Values that are never secrets. */
const plainWords: ReadonlySet<string> = new Set(
  `null nil none true false undefined unset unbound set unknown empty missing absent present required optional default invalid valid
  expired expires expiring revoked rotated rotating rejected refused denied forbidden unauthorized unauthenticated disabled enabled
  ok failed failure failing fail error errored incorrect wrong mismatch mismatched malformed unsupported bad changed unchanged
  accepted created updated deleted removed renewed refreshed loaded found ignored skipped provided given not no yes on off
  pending ready stale redacted hidden masked omitted sensitive encrypted string str text bytes byte number integer int boolean bool
  object array bearer basic rbac abac node webhook anonymous authenticated timeout unreachable unavailable unverified
  context dial rpc eof read write post get http tls json yaml tcp unexpected untrusted blocked locked cannot could must should was is has have does did will may can see use using check please ensure
  verify unable permission access lookup connection latest stable main master`
    .split(/\s+/)
    .filter(Boolean),
);

/** Words without which there is hardly a sentence. */
const sentenceWords: ReadonlySet<string> = new Set(
  `is are was were be been not no for to of in has have had from with without cannot can could should must will would the a an and
  or by on at as but it its this that does did do failed expired invalid missing required denied error unable because when until
  after before found exist exists provided allowed match matches contain contains used already than been`
    .split(/\s+/)
    .filter(Boolean),
);

/** What stands for a value: nothing, `<none>`, `****`, `xxx`, `${VAR}`, `$(VAR)`, `{{ .x }}`, `%s`, the mask itself. */
const placeholder =
  /^(?:\*+|\.+|<[^>]*>?|x{3,}|\$\{[^}]*\}?|\$\([^)]*\)?|\$[A-Z_][A-Z0-9_]*|\{\{.*|%[svdqx]|%\([a-z_]+\)s|\[REDACTED\].*|-+)?$/i;

/** Names of hosts and of API groups, as words: `TokenReview: tokenreviews.authentication.k8s.io is forbidden`. */
const dottedName =
  /^(?:[a-z]+(?:\d{1,2}[a-z]*)?[-.]){1,8}(?:io|com|org|net|dev|sh|app|cloud|local|internal|svc)(?:\/v\d{1,2}(?:(?:alpha|beta)\d{1,2})?)?[,;:]?$/;

const word = (text: string): string => text.toLowerCase().replace(/^[^a-z]+|[^a-z]+$/g, '');

/** Whether a whole value, without quotes, cannot be a secret. */
export function isPlain(value: string, name: string): boolean {
  if (placeholder.test(value) || plainWords.has(word(value)) || dottedName.test(value)) return true;
  // Counts and limits: `tokens: 4096`, `pass: 12`.
  if (/(?:tokens|secrets|cookies|credentials|passwords)$|^pass$|passed$/i.test(name) && /^[0-9]{1,9}$/.test(value))
    return true;
  // Names of objects: `secret=checkout-db`.
  if (/^secrets?$/i.test(name) && /^[a-z]+(?:[-./][a-z]+)+$/.test(value)) return true;
  if (/^(?:old)?pwd$/i.test(name)) return /^(?:[/~.]|[A-Za-z]:\\)/.test(value);
  // Files: `token: /var/run/secrets/...`.
  return /^(?:\/(?:var|etc|run|home|tmp|srv|opt|usr|mnt|data|app|secrets?|vault|root|proc|dev)\/|file:\/\/|\.\.?\/)[\w./@-]*$/.test(
    value,
  );
}

/** Whether the text behind `name: ` is a sentence about it: `token: signature is invalid`. Looks at its beginning only. */
export function isSentence(text: string): boolean {
  const words = text.slice(0, 120).split('\n', 1)[0]?.trim().split(/\s+/).slice(0, 8) ?? [];
  if (words.length < 2) return false;
  if (plainWords.has(word(words[0] ?? ''))) return true;
  return (
    words.slice(0, 2).every((item) => /^[("'`]?[A-Za-z][a-z]*(?:[-'’][a-z]+)*[,.;:!?)"'`]?$/.test(item)) &&
    words.slice(1).some((item) => sentenceWords.has(word(item)))
  );
}

/** `token-service:1.2.3`, `vault-secrets:8200`: the tag of an image, or a port. `before` is what stands before the name. */
export function isTagOrPort(value: string, name: string, before: string): boolean {
  if (
    (/[\w.-]\/$/.test(before) || /\bimages?["']?\s?[:=]?\s?["']?$/i.test(before)) &&
    /^[\w][\w.-]{0,127}$/.test(value)
  )
    return true;
  if (/^v?\d+(?:\.\d+)+(?:[-+.][\w.-]{0,40})?$|^v\d+$|^(?:latest|stable|main|master|edge|nightly|alpine)$/.test(value))
    return true;
  return /[-.]/.test(name) && /^\d{1,6}(?::\d{1,6})?(?:[/?)].*)?$/.test(value);
}
