import { defineModel } from './define.ts';
import type { ModelSettings } from './define.ts';
import { baseAddress } from './endpoint.ts';
import { credentialsFromRole, domainOf } from './aws-role.ts';

/** Claude costs a tenth more where the data has to stay in a region. */
const regional = 1.1;

const cacheMark = { amazonBedrock: { cachePoint: { type: 'default' } } };

export const bedrock = defineModel({
  name: 'bedrock',
  aliases: ['amazon-bedrock', 'aws'],
  telemetryName: 'aws.bedrock',
  description: 'Amazon Bedrock, by its Converse API, with the credentials of the server or a key of Bedrock.',
  modelAliases: {},
  defaultModel: null,
  needsEndpoint: false,
  needsKey: false,
  keyVariables: ['AWS_BEARER_TOKEN_BEDROCK'],
  variables: ['AWS_REGION', 'AWS_DEFAULT_REGION'],
  credentials: [
    'AWS_ACCESS_KEY_ID',
    'AWS_SECRET_ACCESS_KEY',
    'AWS_SESSION_TOKEN',
    'AWS_ROLE_ARN',
    'AWS_WEB_IDENTITY_TOKEN_FILE',
  ],
  concurrency: 8,
  contextTokens: 128_000,
  pricedAs(model) {
    const [, place, name = model] = /^(?:(us|eu|apac|jp|au|ca|us-gov|global)\.)?(.+)$/.exec(model) ?? [];
    const claude = /^anthropic\.(.+)$/.exec(name)?.[1];
    if (claude === undefined) return { provider: 'bedrock', model: name };
    return { provider: 'anthropic', model: claude, times: place === 'global' ? 1 : regional };
  },
  missing({ variables, apiKey }) {
    if (regionOf(variables) === null) return 'AWS_REGION in the environment of the server names no region';
    const isKnown = apiKey !== null || keysOf(variables) !== null || roleOf(variables) !== null;
    return isKnown
      ? null
      : 'there are no credentials: neither apiKeySecret, nor AWS_BEARER_TOKEN_BEDROCK, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE in the environment of the server';
  },
  async open({ model, endpoint, apiKey, variables, fetch, now }) {
    const { createAmazonBedrock } = await import('@ai-sdk/amazon-bedrock');
    const region = regionOf(variables) ?? '';
    const keys = keysOf(variables);
    const role = keys === null && apiKey === null ? roleOf(variables) : null;
    const taken = role === null ? null : credentialsFromRole({ ...role, region, fetch, now });
    const provider = createAmazonBedrock({
      region,
      baseURL: baseAddress(endpoint ?? `https://bedrock-runtime.${region}.${domainOf(region)}`, ''),
      // Without it the SDK would look into the environment by itself.
      apiKey: apiKey ?? '',
      ...keys,
      ...(taken === null ? {} : { credentialProvider: taken }),
      fetch,
    });
    // The SDK makes an error without a reason of what taking the role threw, so it is taken before.
    return { model: provider(model), cacheMark, ...(taken === null ? {} : { prepare: taken }) };
  },
});

type Variables = ModelSettings['variables'];

function regionOf(variables: Variables): string | null {
  const region = variables['AWS_REGION'] ?? variables['AWS_DEFAULT_REGION'] ?? '';
  return /^[a-z]{2}(?:-[a-z]+)+-\d$/.test(region) ? region : null;
}

function keysOf(variables: Variables) {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = variables;
  if (accessKeyId === undefined || secretAccessKey === undefined) return null;
  return { accessKeyId, secretAccessKey, ...(token === undefined ? {} : { sessionToken: token }) };
}

function roleOf(variables: Variables) {
  const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: tokenFile } = variables;
  return role === undefined || tokenFile === undefined ? null : { role, tokenFile };
}
