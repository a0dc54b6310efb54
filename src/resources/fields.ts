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

/** A template whose text says yes or no. */
export const condition = z.string().min(1).max(65_536);

/** Large enough for any report, small enough for the API server. */
export const templateText = z.string().max(65_536);
