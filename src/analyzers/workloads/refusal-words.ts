/** Kinds of refusals, as far as what to do about them differs. */
export type RefusalCategory =
  | 'quota-exceeded'
  | 'quota-unset'
  | 'limit-range'
  | 'service-account-missing'
  | 'pod-security-refused'
  | 'admission-denied'
  | 'webhook-unreachable'
  | 'class-missing'
  | 'namespace-ending'
  | 'not-permitted'
  | 'pod-invalid'
  | 'api-server-fault'
  | 'create-refused';

/** What the API server refuses, in plain words and with its parts by name. */
export interface Refusal {
  readonly category: RefusalCategory;
  /** A clause: `quota team leaves no room: pods: 1 more is asked for, 20 of 20 are used`. */
  readonly words: string;
  /** The quota, the service account, the policy, ... as far as it is named. */
  readonly named: string;
  /** The Service behind a webhook. */
  readonly service: { readonly namespace: string; readonly name: string } | null;
}

type Groups = Readonly<Record<string, string | undefined>>;
type Rule = readonly [RegExp, RefusalCategory, (groups: Groups) => string, (groups: Groups) => string];

const none = (): string => '';
const name = (groups: Groups): string => groups['name'] ?? '';

/** Messages of the API server and its admission; the first that fits holds. */
const rules: readonly Rule[] = [
  [
    /exceeded quota: (?<name>[^,]{1,253}), requested: (?<requested>.{1,2000}?), used: (?<used>.{1,2000}?), limited: (?<limited>[^ ]{1,2000})/,
    'quota-exceeded',
    (groups) => `quota ${name(groups)} leaves no room (exceeded quota): ${arithmetic(groups)}`,
    name,
  ],
  [
    /failed quota: (?<name>[^:]{1,253}): must specify (?<rest>.{1,600})/,
    'quota-unset',
    (groups) => `quota ${name(groups)} demands that every container says ${groups['rest']}`,
    name,
  ],
  [
    /insufficient quota to match these scopes: (?<rest>.{1,300})/,
    'quota-exceeded',
    ({ rest }) => `no quota covers pods of this priority or scope (${rest})`,
    none,
  ],
  [
    /(?<rest>(?:maximum|minimum) \S{1,100} usage per \w+ is \S{1,60}[.,] ?(?:but .{1,40} is \S{1,60}|No (?:limit|request) is specified).{0,400}|max limit to request ratio per \w+ is .{1,200})/,
    'limit-range',
    ({ rest }) => `a limit range of the namespace does not allow it: ${rest}`,
    none,
  ],
  [
    /service ?account (?:\S{1,63}\/)?"?(?<name>[^\s":]{1,253})"?(?:: serviceaccounts? "[^"]{1,253}")? not found/i,
    'service-account-missing',
    (groups) => `service account ${name(groups)} does not exist (not found)`,
    name,
  ],
  [
    /violates PodSecurity "(?<name>[^"]{1,100})": (?<rest>.{1,2000})/,
    'pod-security-refused',
    (groups) => `it violates the PodSecurity level "${name(groups)}" of the namespace: ${groups['rest']}`,
    name,
  ],
  [
    /unable to validate against any (?<name>security context constraint|pod security policy)s?:? ?(?<rest>.{0,2000})/i,
    'pod-security-refused',
    (groups) => `no ${name(groups)} allows it: ${telling(groups['rest'] ?? '')}`,
    name,
  ],
  [
    /admission webhook "(?<webhook>[^"]{1,253})" denied the request(?: without explanation)?:? ?(?<rest>.{0,2000})/,
    'admission-denied',
    (groups) =>
      `${policyText(groups)} refuses it${(groups['rest'] ?? '') === '' ? '' : `: ${withoutPolicy(groups['rest'] ?? '')}`}`,
    policyOf,
  ],
  [
    /ValidatingAdmissionPolicy '(?<name>[^']{1,253})'(?: with binding '[^']{1,253}')? denied request: (?<rest>.{1,2000})/,
    'admission-denied',
    (groups) => `admission policy ${name(groups)} refuses it: ${groups['rest']}`,
    name,
  ],
  [
    /failed (?:calling|to call) (?:admission )?webhook "(?<name>[^"]{1,253})"(?:: failed to call webhook)?: (?<rest>.{1,2000})/,
    'webhook-unreachable',
    (groups) => `admission webhook ${name(groups)} cannot be asked: ${groups['rest']}`,
    name,
  ],
  [
    /no PriorityClass with name (?<name>\S{1,253}) was found/,
    'class-missing',
    (groups) => `priority class ${name(groups)} does not exist (not found)`,
    (groups) => `priority class ${name(groups)}`,
  ],
  [
    /RuntimeClass "(?<name>[^"]{1,253})" not found/i,
    'class-missing',
    (groups) => `runtime class ${name(groups)} does not exist (not found)`,
    (groups) => `runtime class ${name(groups)}`,
  ],
  [
    /because it is being terminated|namespaces? "[^"]{1,63}" not found/,
    'namespace-ending',
    () => 'its namespace is being deleted',
    none,
  ],
  [
    /User "(?<name>[^"]{1,253})" cannot (?<rest>.{1,200})|cannot set blockOwnerDeletion/,
    'not-permitted',
    (groups) =>
      groups['name'] === undefined
        ? 'its controller may not set the owner of what it makes'
        : `${name(groups)} may not ${groups['rest']}`,
    name,
  ],
  [
    /is invalid: (?<rest>.{1,2000})/,
    'pod-invalid',
    ({ rest }) => `its template makes an object that is invalid: ${rest}`,
    none,
  ],
  [
    /etcdserver|database space exceeded|Timeout: request did not complete|the server (?:was unable|is currently unable)|too many requests|context deadline exceeded|connection refused/i,
    'api-server-fault',
    () => 'the API server or its database (etcd) has a fault of its own',
    none,
  ],
  [
    /object is being deleted: .{1,100} already exists|already exists/,
    'create-refused',
    () => 'an object of the same name still exists',
    none,
  ],
];

/** The message without what the controllers write before it, on one line. */
export function refusalMessage(message: string): string {
  return message
    .slice(0, 8000)
    .replace(/\s+/g, ' ')
    .replace(/^\(combined from similar events\): /, '')
    .replace(/^Error creating(?: job)?: /, '')
    .replace(/^create (?:Pod|Claim) .{1,600}? failed(?: error)?: /, '')
    .trim();
}

/** What a message of FailedCreate comes to. */
export function refusalOf(message: string): Refusal {
  const text = refusalMessage(message);
  for (const [pattern, category, words, named] of rules) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined && !pattern.test(text)) continue;
    const found: Groups = groups ?? {};
    return { category, words: words(found), named: named(found), service: webhookService(category, text) };
  }
  return { category: 'create-refused', words: text, named: '', service: null };
}

/** `requests.cpu: 1 more is asked for, 3500m of 4 are used`, for each resource that does not fit. */
function arithmetic(groups: Groups): string {
  const [requested, used, limited] = ['requested', 'used', 'limited'].map((part) => amounts(groups[part] ?? ''));
  return [...(requested ?? [])]
    .map(
      ([resource, amount]) =>
        `${resource}: ${amount} more asked for, ${used?.get(resource) ?? '?'} of ${limited?.get(resource) ?? '?'} used`,
    )
    .join('; ');
}

function amounts(list: string): ReadonlyMap<string, string> {
  return new Map(
    list.split(',').flatMap((item): readonly (readonly [string, string])[] => {
      const [resource = '', amount = ''] = item.split('=');
      return amount === '' ? [] : [[resource.trim(), amount.trim()]];
    }),
  );
}

/** Of a list of constraints those that say what is wrong; that others are not for this user says nothing. */
function telling(list: string): string {
  const parts = list.replace(/^\[|\]$/g, '').split(/, (?=provider |spec|\.)/);
  const told = parts.filter((part) => !/not usable by user or serviceaccount/.test(part));
  return (told.length > 0 ? told : parts.slice(0, 2)).join(', ');
}

/** The policy that a webhook speaks for: Gatekeeper puts it before its message, Kyverno and Kubewarden name it in theirs. */
function policyOf(groups: Groups): string {
  const rest = groups['rest'] ?? '';
  const found =
    /^\[(?:denied by )?(?<name>[^\]]{1,253})\]/.exec(rest) ??
    /(?:due to the following policies|following policies) (?<name>[a-z0-9][a-z0-9.-]{0,252}):/.exec(rest) ??
    /policy (?:server: )?"?(?<name>[a-z0-9][a-z0-9.-]{0,252})"?/i.exec(rest);
  return found?.groups?.['name'] ?? groups['webhook'] ?? '';
}

function policyText(groups: Groups): string {
  const policy = policyOf(groups);
  const webhook = `admission webhook "${groups['webhook']}"`;
  return policy === groups['webhook'] ? webhook : `policy ${policy} (${webhook})`;
}

function withoutPolicy(rest: string): string {
  return rest.replace(/^\[(?:denied by )?[^\]]{1,253}\] /, '');
}

/** `Post "https://kyverno-svc.kyverno.svc:443/mutate?timeout=10s"`. */
function webhookService(category: RefusalCategory, text: string): Refusal['service'] {
  if (category !== 'webhook-unreachable') return null;
  const groups = /https:\/\/(?<name>[a-z0-9-]{1,63})\.(?<namespace>[a-z0-9-]{1,63})\.svc\b/.exec(text)?.groups;
  return groups === undefined ? null : { namespace: groups['namespace'] ?? '', name: name(groups) };
}
