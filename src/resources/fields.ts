import { z } from 'zod';

export const apiVersion = 'punchingfist.io/v1alpha1';

/** Name of a Kubernetes object (RFC 1123 subdomain). */
export const objectName = z
  .string()
  .max(253)
  .regex(
    /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    'must be a DNS name: lower case letters, digits, - and .',
  );

/** A Prometheus duration, `90s`, `1h30m`, `0`. */
export const duration = z
  .string()
  .max(64)
  .regex(
    /^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$/,
    'must be a duration such as 30s, 5m, 1h30m or 1d',
  )
  .min(1);

/** A template whose text says yes or no. */
export const condition = z.string().min(1).max(65_536);

/** Large enough for any report, small enough for the API server. */
export const templateText = z.string().max(65_536);
