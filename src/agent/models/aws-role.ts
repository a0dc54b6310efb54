import { readFile } from 'node:fs/promises';
import { objectOf } from '../../core/json.ts';
import type { JsonObject, JsonValue } from '../../core/json.ts';
import type { ModelSettings } from './define.ts';
import { ModelFailure } from './model.ts';

/** Credentials of AWS that end. */
interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

interface RoleOptions {
  readonly role: string;
  /** Where Kubernetes puts the token of the service account; it is written anew while we run. */
  readonly tokenFile: string;
  readonly region: string;
  readonly fetch: ModelSettings['fetch'];
  readonly now: ModelSettings['now'];
}

/** They are renewed so long before they end. */
const renewMs = 5 * 60_000;

/** Credentials of a role that the service account of a pod may take (IRSA): asked of AWS's STS, and again before they end. */
export function credentialsFromRole(options: RoleOptions): () => Promise<RoleCredentials> {
  let held: { readonly credentials: RoleCredentials; readonly untilMs: number } | undefined;
  return async () => {
    if (held === undefined || options.now() >= held.untilMs - renewMs) held = await takeRole(options);
    return held.credentials;
  };
}

/** Of AWS and of its Chinese part. */
export function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
}

async function takeRole({ role, tokenFile, region, fetch }: RoleOptions) {
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: 'punching-fist',
    WebIdentityToken: (await readFile(tokenFile, 'utf8')).trim(),
  });
  const response = await fetch(`https://sts.${region}.${domainOf(region)}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' },
    body: String(form),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const value = parse(text);
  const answer = objectOf(objectOf(value['AssumeRoleWithWebIdentityResponse'])['AssumeRoleWithWebIdentityResult']);
  const {
    AccessKeyId: id,
    SecretAccessKey: key,
    SessionToken: token,
    Expiration: end,
  } = objectOf(answer['Credentials']);
  if (typeof id !== 'string' || typeof key !== 'string' || typeof token !== 'string') {
    const code = objectOf(value['Error'])['Code'];
    const why = typeof code === 'string' ? `: ${code}` : '';
    throw new ModelFailure('Unauthorized', `AWS gave no credentials for ${role} (HTTP ${response.status})${why}`, {
      wasSent: false,
    });
  }
  const untilMs = Number(end) * 1000;
  return {
    credentials: { accessKeyId: id, secretAccessKey: key, sessionToken: token },
    untilMs: Number.isFinite(untilMs) ? untilMs : 0,
  };
}

function parse(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text) as JsonValue);
  } catch {
    return {};
  }
}
