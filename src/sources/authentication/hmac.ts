import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { AuthenticationFailure, Caller } from '../../core/authentication.ts';
import { celList, rule } from '../../lib/rule.ts';
import { slices } from '../../lib/turns.ts';
import { defineAuthentication, isSame, oneSecret, onlyHeader, secretFields, secretsOf } from './define.ts';
import { hmacPresets } from './hmac-presets.ts';
import type { HmacPreset, HmacPresetName } from './hmac-presets.ts';

const presetNames = Object.keys(hmacPresets) as [HmacPresetName, ...HmacPresetName[]];

/** Presets with a time that is signed too. */
const signingTime = presetNames.filter((name) => hmacPresets[name].maySignTime);

/** How far the time that a sender signed may be from ours. */
const skewSeconds = 5 * 60;
/** Of one request: two secrets and two ways to sign. */
const mostSignatures = 8;
const longestId = 200;

const headerName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9-]+$/, 'must be the name of a header');

export const hmac = defineAuthentication({
  type: 'hmac',
  description: 'A signature of the body, as the vendor that `preset` names makes it (HMAC with SHA-256).',
  config: z
    .strictObject({
      ...secretFields,
      preset: z.enum(presetNames).meta({ description: 'hmac: who signs, and so how.' }),
      header: headerName.optional().meta({
        description: 'hmac: the header of the signature, where it is not the one of the preset.',
      }),
      timestampHeader: headerName.optional().meta({
        description: 'hmac: the header of the time, where Grafana is set to sign one. Its clock may be 5 minutes off.',
      }),
    })
    .check(
      oneSecret,
      rule(
        `!has(self.timestampHeader) || !has(self.preset) || self.preset in ${celList(signingTime)}`,
        `is signed by ${signingTime.join(' and ')} only, so anybody could write a new time; the signature of the body is checked all the same`,
        ({ timestampHeader, preset }) => timestampHeader === undefined || signingTime.includes(preset),
        ['timestampHeader'],
      ),
    ),
  compile(config) {
    const vendor: HmacPreset = hmacPresets[config.preset];
    const preset: HmacPreset = {
      ...vendor,
      ...(config.header === undefined ? {} : { header: config.header.toLowerCase() }),
      ...(config.timestampHeader === undefined ? {} : { timestampHeader: config.timestampHeader.toLowerCase() }),
    };
    return {
      secrets: secretsOf(config),
      check: (caller) => readSigned(preset, caller).failure,
      *verify(caller, secrets, body) {
        const signed = readSigned(preset, caller);
        if (signed.failure !== null) return { ok: false, ...signed.failure };
        const { signatures, id, timestamp } = signed;
        for (const secret of secrets) {
          const key = preset.key(secret);
          if (key.length === 0) continue;
          const hash = createHmac('sha256', key).update(preset.signedPrefix(id, timestamp));
          for (const part of slices(body)) {
            yield;
            hash.update(part);
          }
          const expected = hash.digest();
          const isKnown = signatures.map((signature) => isSame(signature, expected)).includes(true);
          if (isKnown) return { ok: true, signedId: signedId(id, timestamp, expected) };
        }
        return { ok: false, ...failure('the signature is not one of this Source over this body') };
      },
    };
  },
});

type Signed =
  | {
      readonly failure: null;
      readonly signatures: readonly Buffer[];
      readonly id: string;
      readonly timestamp: string;
    }
  | { readonly failure: AuthenticationFailure };

/** What the headers say, before the body is known. */
function readSigned(preset: HmacPreset, { rawHeaders, nowMs }: Caller): Signed {
  const { header, timestampHeader, idHeader } = preset;
  const given = onlyHeader(rawHeaders, header);
  if (given === null) return { failure: failure(`the header ${header} is missing: the body must be signed`) };
  const signatures = given === undefined ? [] : signaturesIn(preset, given);
  if (signatures.length === 0) return { failure: failure(`the header ${header} has no signature in its form`) };
  const timestamp = timestampHeader === null ? '' : onlyHeader(rawHeaders, timestampHeader);
  const late = timestampHeader === null ? null : wrongTime(timestampHeader, timestamp, nowMs);
  if (late !== null) return { failure: failure(late) };
  const id = idHeader === null ? '' : onlyHeader(rawHeaders, idHeader);
  if (idHeader !== null && (typeof id !== 'string' || id === '' || id.length > longestId))
    return { failure: failure(`the header ${idHeader} must have an id of at most ${longestId} characters`) };
  return { failure: null, signatures, id: id ?? '', timestamp: timestamp ?? '' };
}

function signaturesIn({ prefix, encoding, separator }: HmacPreset, given: string): readonly Buffer[] {
  const parts = (separator === null ? [given] : given.split(separator)).map((part) => part.trim());
  const form = encoding === 'hex' ? /^[0-9a-f]{64}$/i : /^[A-Za-z0-9+/]{43}=$/;
  return parts
    .slice(0, mostSignatures)
    .filter((part) => part.startsWith(prefix) && form.test(part.slice(prefix.length)))
    .map((part) => Buffer.from(part.slice(prefix.length), encoding));
}

function wrongTime(header: string, timestamp: string | null | undefined, nowMs: number): string | null {
  if (typeof timestamp !== 'string' || !/^\d{1,12}$/.test(timestamp))
    return `the header ${header} must have the seconds since 1970`;
  const offSeconds = Math.abs(nowMs / 1000 - Number(timestamp));
  return offSeconds > skewSeconds
    ? `the time in ${header} is ${Math.round(offSeconds)} s off; at most ${skewSeconds} s are allowed`
    : null;
}

/**
 * A delivery that was signed with a time counts once, also when somebody who read it sends it again within the five minutes: by
 * its id, else by its time and signature. Without a time the same body is what a sender repeats while an alert fires.
 */
function signedId(id: string, timestamp: string, signature: Buffer): string | null {
  if (id !== '') return `signed:${id}`;
  return timestamp === '' ? null : `signed:${timestamp}:${signature.toString('hex')}`;
}

function failure(message: string): AuthenticationFailure {
  return {
    message,
    next: 'set the secret of the sender to the one of this Source, and compare the clocks',
    challenge: 'HMAC realm="punching-fist"',
  };
}
