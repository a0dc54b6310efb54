import { describe, expect, test } from 'vitest';
import { readTelemetry, telemetrySecrets } from './telemetry.ts';

describe('where traces go', () => {
  test.each([
    ['nowhere unless somebody says so', {}, null],
    [
      'a collector gets the path of the protocol',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' },
      'http://collector:4318/v1/traces',
    ],
    [
      'behind a path of its own',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'https://otlp.example/otlp/' },
      'https://otlp.example/otlp/v1/traces',
    ],
    [
      'the address of traces is used as it is',
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://otlp.example/x', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other' },
      'https://otlp.example/x',
    ],
    [
      'not where somebody turned it off',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_TRACES_EXPORTER: 'none' },
      null,
    ],
    [
      'nor where the whole SDK is',
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', OTEL_SDK_DISABLED: 'true' },
      null,
    ],
    ['empty is absent', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }, null],
  ])('%s', (_, environment, url) => {
    expect(readTelemetry({}, environment)?.url ?? null).toBe(url);
  });

  test('the flag wins', () => {
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://other', OTEL_SDK_DISABLED: 'true' };
    expect(readTelemetry({ otlpEndpoint: 'http://[::1]:4318/' }, environment)?.url).toBe('http://[::1]:4318/v1/traces');
    expect(readTelemetry({ otlpEndpoint: 'http://a/v1/traces' }, {})?.url).toBe('http://a/v1/traces');
  });

  test('headers and attributes are read as the protocol writes them; headers are secrets', () => {
    const telemetry = readTelemetry(
      { otlpEndpoint: 'http://collector:4318' },
      {
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20a-token-of-mine, x-scope=1',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,service.name=ignored',
        OTEL_SERVICE_NAME: 'responder',
      },
    );
    expect(telemetry).toMatchObject({
      headers: { authorization: 'Bearer a-token-of-mine', 'x-scope': '1' },
      attributes: { 'deployment.environment.name': 'prod', 'service.name': 'responder' },
    });
    expect(telemetrySecrets(telemetry)).toEqual(['Bearer a-token-of-mine']);
    expect(telemetrySecrets(null)).toEqual([]);
  });

  test.each([
    [{ otlpEndpoint: 'collector:4318' }, {}, '--otlp-endpoint collector:4318 is no address of a collector'],
    [{ otlpEndpoint: 'http://me:a-password@collector' }, {}, '--otlp-endpoint is no address of a collector'],
    [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: 'x' }, 'OTEL_EXPORTER_OTLP_ENDPOINT x is no address of a collector'],
    [{ otlpEndpoint: 'http://a' }, { OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, 'is not spoken'],
    [
      { otlpEndpoint: 'http://a' },
      { OTEL_EXPORTER_OTLP_HEADERS: 'a=1,Bearer secret' },
      'the 2. pair is not NAME=VALUE',
    ],
    [{ otlpEndpoint: 'http://a' }, { OTEL_EXPORTER_OTLP_HEADERS: 'a=%0d%0ab:1' }, 'the 1. pair is not NAME=VALUE'],
  ])('%j %j is said to be wrong, without what may be a secret', (flags, environment, message) => {
    expect(() => readTelemetry(flags, environment)).toThrow(message);
    expect(() => readTelemetry(flags, environment)).not.toThrow(/password|secret/);
  });
});
