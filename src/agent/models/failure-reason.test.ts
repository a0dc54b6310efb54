import { expect, test } from 'vitest';
import { saidIn } from './error-body.ts';
import { reasonOf } from './failure-reason.ts';

// Bodies as the providers and servers write them, as their documentation, sources and users' reports show them.

const openai = (message: string, type: string | null, code: string | number | null = null) => ({
  error: { message, type, param: null, code },
});
const anthropic = (type: string, message: string) => ({ type: 'error', error: { type, message } });
const google = (code: number, status: string, message: string, details: readonly object[] = []) => ({
  error: { code, message, status, details },
});
const quotaOf = (quotaId: string) => ({
  '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
  violations: [{ quotaMetric: 'generativelanguage.googleapis.com/generate_content', quotaId }],
});

type Row = readonly [
  reason: string,
  who: string,
  status: number,
  body: unknown,
  headers?: Readonly<Record<string, string>>,
];

const rows: readonly Row[] = [
  // keys
  [
    'Unauthorized',
    'openai',
    401,
    openai('Incorrect API key provided: sk-a***z.', 'invalid_request_error', 'invalid_api_key'),
  ],
  ['Unauthorized', 'anthropic', 401, anthropic('authentication_error', 'invalid x-api-key')],
  ['Unauthorized', 'anthropic 403', 403, anthropic('permission_error', 'Your API key does not have permission')],
  [
    'Unauthorized',
    'google',
    400,
    google(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [{ reason: 'API_KEY_INVALID' }]),
  ],
  [
    'Unauthorized',
    'bedrock',
    403,
    { message: 'The security token included in the request is invalid.' },
    { 'x-amzn-errortype': 'UnrecognizedClientException:http://internal' },
  ],
  ['Unauthorized', 'a proxy', 403, '<html>Forbidden</html>'],
  // models
  [
    'ModelNotFound',
    'openai',
    404,
    openai(
      'The model `gpt-0` does not exist or you do not have access to it.',
      'invalid_request_error',
      'model_not_found',
    ),
  ],
  ['ModelNotFound', 'anthropic', 404, anthropic('not_found_error', 'model: claude-0')],
  ['ModelNotFound', 'google', 404, google(404, 'NOT_FOUND', 'models/gemini-0 is not found for API version v1beta')],
  [
    'ModelNotFound',
    'azure',
    404,
    { error: { code: 'DeploymentNotFound', message: 'The API deployment for this resource does not exist.' } },
  ],
  [
    'ModelNotFound',
    'ollama',
    404,
    { error: { message: 'model "qwen" not found, try pulling it first', type: 'api_error', code: null } },
  ],
  ['ModelNotFound', 'ollama, older', 404, { error: "model 'qwen' not found" }],
  [
    'ModelNotFound',
    'vllm',
    404,
    { object: 'error', message: 'The model `x` does not exist.', type: 'NotFoundError', code: 404 },
  ],
  [
    'ModelNotFound',
    'litellm',
    400,
    openai('litellm.BadRequestError: Invalid model name passed in model=x', null, '400'),
  ],
  [
    'ModelNotFound',
    'bedrock',
    400,
    { message: 'The provided model identifier is invalid.' },
    { 'x-amzn-errortype': 'ValidationException' },
  ],
  [
    'ModelNotFound',
    'bedrock, access',
    403,
    { message: "You don't have access to the model with the specified model ID." },
    { 'x-amzn-errortype': 'AccessDeniedException' },
  ],
  ['BadRequest', 'a wrong path', 404, '404 page not found'],
  ['BadRequest', 'a wrong path of FastAPI', 404, { detail: 'Not Found' }],
  // limits that pass
  [
    'RateLimited',
    'openai',
    429,
    openai('Rate limit reached for gpt-5 on tokens per min (TPM): Limit 30000.', 'tokens', 'rate_limit_exceeded'),
  ],
  [
    'RateLimited',
    'anthropic',
    429,
    anthropic('rate_limit_error', "This request would exceed your organization's rate limit"),
  ],
  [
    'RateLimited',
    'google',
    429,
    google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.', [
      quotaOf('GenerateRequestsPerMinutePerProjectPerModel'),
    ]),
  ],
  [
    'RateLimited',
    'bedrock',
    429,
    { message: 'Too many tokens, please wait before trying again.' },
    { 'x-amzn-errortype': 'ThrottlingException' },
  ],
  [
    'RateLimited',
    'azure',
    429,
    { error: { code: '429', message: 'Requests have exceeded the call rate limit of your current S0 pricing tier.' } },
  ],
  ['RateLimited', 'anybody', 429, ''],
  // quotas, which do not
  [
    'QuotaExhausted',
    'openai',
    429,
    openai(
      'You exceeded your current quota, please check your plan and billing details.',
      'insufficient_quota',
      'insufficient_quota',
    ),
  ],
  [
    'QuotaExhausted',
    'anthropic',
    400,
    anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'),
  ],
  [
    'QuotaExhausted',
    'anthropic, limit',
    400,
    anthropic(
      'invalid_request_error',
      'You have reached your specified API usage limits. You will regain access on 2026-12-01.',
    ),
  ],
  [
    'QuotaExhausted',
    'google',
    429,
    google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota', [
      quotaOf('GenerateRequestsPerDayPerProjectPerModel-FreeTier'),
    ]),
  ],
  [
    'QuotaExhausted',
    'bedrock',
    400,
    { message: 'Your request exceeds the service quota' },
    { 'x-amzn-errortype': 'ServiceQuotaExceededException' },
  ],
  [
    'QuotaExhausted',
    'bedrock, day',
    429,
    { message: 'Too many tokens per day, please wait before trying again.' },
    { 'x-amzn-errortype': 'ThrottlingException' },
  ],
  ['QuotaExhausted', 'deepseek', 402, openai('Insufficient Balance', 'unknown_error', 'invalid_request_error')],
  ['QuotaExhausted', 'openrouter', 402, { error: { code: 402, message: 'This request requires more credits' } }],
  // overload and failures
  ['Overloaded', 'anthropic', 529, anthropic('overloaded_error', 'Overloaded')],
  ['Overloaded', 'google', 503, google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.')],
  ['Overloaded', 'llama.cpp', 503, { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }],
  [
    'Overloaded',
    'bedrock',
    429,
    { message: 'Model is not ready for inference' },
    { 'x-amzn-errortype': 'ModelNotReadyException' },
  ],
  ['ServerError', 'openai', 500, openai('The server had an error while processing your request.', 'server_error')],
  ['ServerError', 'a gateway', 502, '<html>Bad Gateway</html>'],
  ['ServerError', 'bedrock', 424, { message: 'The model failed' }, { 'x-amzn-errortype': 'ModelErrorException' }],
  ['ServerError', '200 with an error in it', 200, openai('internal error', 'server_error')],
  [
    'RateLimited',
    '200 with a limit in it',
    200,
    { error: { code: 429, message: 'Rate limit exceeded: free-models-per-min' } },
  ],
  ['Timeout', 'a gateway', 504, 'upstream request timeout'],
  ['Timeout', 'google', 504, google(504, 'DEADLINE_EXCEEDED', 'The request timed out.')],
  // too long
  [
    'ContextTooLong',
    'openai',
    400,
    openai("This model's maximum context length is 8192 tokens.", 'invalid_request_error', 'context_length_exceeded'),
  ],
  [
    'ContextTooLong',
    'anthropic',
    400,
    anthropic('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'),
  ],
  [
    'ContextTooLong',
    'anthropic, with the answer',
    400,
    anthropic('invalid_request_error', 'input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000'),
  ],
  ['ContextTooLong', 'anthropic, bytes', 413, anthropic('request_too_large', 'Request exceeds the maximum size')],
  [
    'ContextTooLong',
    'google',
    400,
    google(
      400,
      'INVALID_ARGUMENT',
      'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    ),
  ],
  [
    'ContextTooLong',
    'bedrock',
    400,
    { message: 'Input is too long for requested model.' },
    { 'x-amzn-errortype': 'ValidationException' },
  ],
  [
    'ContextTooLong',
    'llama.cpp',
    400,
    {
      error: {
        code: 400,
        message: 'request (9001 tokens) exceeds the available context size (8192 tokens)',
        type: 'exceed_context_size_error',
        n_ctx: 8192,
      },
    },
  ],
  [
    'ContextTooLong',
    'vllm',
    400,
    {
      object: 'error',
      message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
      type: 'BadRequestError',
      code: 400,
    },
  ],
  ['ContextTooLong', 'litellm', 400, openai('litellm.ContextWindowExceededError: OpenAIException', null, '400')],
  [
    'ContextTooLong',
    'mistral',
    400,
    {
      object: 'error',
      message: 'Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length',
      type: 'invalid_request_error',
    },
  ],
  // filters
  [
    'ContentFiltered',
    'azure',
    400,
    {
      error: {
        code: 'content_filter',
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        innererror: { code: 'ResponsibleAIPolicyViolation' },
      },
    },
  ],
  [
    'ContentFiltered',
    'openai',
    400,
    openai(
      'Invalid prompt: your prompt was flagged as potentially violating our usage policy.',
      'invalid_request_error',
      'invalid_prompt',
    ),
  ],
  [
    'ContentFiltered',
    'anthropic',
    400,
    anthropic('invalid_request_error', 'Output blocked by content filtering policy'),
  ],
  // garbled by the model
  [
    'BrokenAnswer',
    'llama.cpp',
    500,
    {
      error: {
        code: 500,
        message: 'The model produced output that does not match the expected peg-native format',
        type: 'server_error',
      },
    },
  ],
  [
    'BrokenAnswer',
    'groq',
    400,
    openai('Failed to call a function. Please adjust your prompt.', 'invalid_request_error', 'tool_use_failed'),
  ],
  // the rest
  [
    'BadRequest',
    'openai',
    400,
    openai("Unsupported value: 'temperature' does not support 7", 'invalid_request_error', 'unsupported_value'),
  ],
  [
    'BadRequest',
    'anthropic',
    400,
    anthropic('invalid_request_error', 'messages: first message must use the "user" role'),
  ],
  [
    'BadRequest',
    'pydantic',
    422,
    { detail: [{ loc: ['body', 'tools'], msg: 'Field required', type: 'missing', input: { secret: 'x' } }] },
  ],
];

test.each(rows.map(([reason, who, status, body, headers = {}]) => ({ reason, who, status, body, headers })))(
  '$reason: $who ($status)',
  ({ reason, status, body, headers }) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    expect(reasonOf(status, saidIn(text, headers))).toBe(reason);
  },
);
