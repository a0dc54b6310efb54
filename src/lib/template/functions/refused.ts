/** What other tools have and templates here have not, and why. */
const refusals: readonly (readonly [reason: string, names: string])[] = [
  ['templates do not read the environment; in a Workflow, spec.runtime.environment gives .env.NAME', 'env expandenv'],
  ['templates do not use the network', 'getHostByName'],
  [
    'the same data must always give the same text, so nothing is random; .run.id and .alert.fingerprint are unique',
    'randAlpha randAlphaNum randAscii randNumeric randInt randBytes shuffle uuidv4',
  ],
  [
    'templates make no keys, certificates or ciphertext; keep those in a Secret',
    'genCA genCAWithKey genPrivateKey genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey ' +
      'buildCustomCert derivePassword bcrypt htpasswd encryptAES decryptAES',
  ],
  ['templates run no query; a step of a Workflow can, and its result is .steps.NAME.result', 'query'],
  [
    '.run.url is the address of the run, .alert.generatorURL that of the query',
    'externalURL pathPrefix graphLink tableLink',
  ],
  ['write {{ template "NAME" . }} for what {{ define "NAME" }} has in the same text', 'include tpl'],
  ['templates do not read the cluster; a step of a Workflow can, and its result is .steps.NAME.result', 'lookup'],
];

/** Why a function is refused, by its name. */
export const refusedFunctions: ReadonlyMap<string, string> = new Map(
  refusals.flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason] as const)),
);
