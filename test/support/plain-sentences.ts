/** Lines that an investigation needs as they are. */
export const plainSentences: readonly string[] = `
credentials: expired
could not create TokenReview: tokenreviews.authentication.k8s.io is forbidden: User "system:serviceaccount:fist:operator" cannot create resource "tokenreviews" in API group "authentication.k8s.io" at the cluster scope
TokenRequest: authentication.k8s.io/v1
tokenreviews: authentication.k8s.io
could not watch ClusterSecretStore: clustersecretstores.external-secrets.io is forbidden
SealedSecret: sealedsecrets.bitnami.com/v1alpha1 is not served
token: auth.example.com refused it
invalid token: signature is invalid
PWD=/srv
OLDPWD=/home/app
password: required
token: <none>
token: <nil>
password: null
secret: not found
token: expired
Token: invalid
API token: missing
api_key: unset
auth token: revoked
password=<nil>
password=""
token=''
secret=$DB_SECRET
password: \${DB_PASSWORD}
password: {{ .Values.db.password }}
password: "****"
token=xxxxx
password=%s
credentials: denied
credentials: none provided
Error: invalid credentials: the user does not exist
token: not valid yet
token is expired by 3h2m
error verifying token: token has invalid claims: token is expired
Unable to authenticate the request due to an error: [invalid bearer token, service account token has expired]
invalid bearer token, token lookup failed
password authentication failed for user "app"
FATAL:  password authentication failed for user "postgres"
Access denied for user 'app'@'10.1.2.3' (using password: YES)
Access denied for user 'root'@'localhost' (using password: NO)
ERROR 1045 (28000): Access denied for user 'app'@'%' (using password: YES)
WRONGPASS invalid username-password pair or user is disabled.
NOAUTH Authentication required.
ERR AUTH <password> called without any password configured for the default user
Secret: the key is missing
secret "checkout-db" not found
secrets "regcred" not found
Error: secret "db-credentials" not found
Error: couldn't find key DATABASE_PASSWORD in Secret shop/checkout-db
couldn't find key token in Secret default/api
MountVolume.SetUp failed for volume "checkout-secret" : secret "checkout-secret" not found
MountVolume.SetUp failed for volume "kube-api-access-x7k2p" : failed to fetch token: serviceaccounts "web" not found
MountVolume.SetUp failed for volume "tls" : references non-existent secret key: tls.key
Error: failed to pull image: no basic auth credentials
pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed
failed to authorize: failed to fetch oauth token: unexpected status: 401 Unauthorized
failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth.docker.io/token?scope=repository%3Ashop%2Fweb%3Apull&service=registry.docker.io: 401 Unauthorized
Failed to pull image "registry.example.com/shop/secret-store:1.4.2": rpc error: code = NotFound
Back-off pulling image "registry.example.com/infra/token-service:v2.3.1"
image: registry.example.com/shop/token-service:2026-01-04
image: external-secrets:v0.9.13
image: vault-secrets-operator:0.4.3
Pulled image ghcr.io/external-secrets/external-secrets:v0.9.13 in 2.1s
Container image "k8s.gcr.io/csi-secrets-store/driver:v1.4.0" already present on machine
image: oauth2-proxy/token-refresher:main
image=shop/password-reset:latest
registry.example.com/shop/web-secret:8f3c1d2
dial tcp: lookup token-service on 10.96.0.10:53: no such host
dial tcp 10.96.14.3:8200: connect: connection refused
Get "http://token-service:8080/healthz": context deadline exceeded
Get "http://secret-store.infra.svc:8200/v1/sys/health": dial tcp: connect: connection refused
connecting to vault-secrets:8200
upstream token-service:80 is unhealthy
secretName: checkout-db
secretName: checkout-db tokenExpirationSeconds: 3607
    secretName: web-tls
imagePullSecrets: [{"name":"regcred"}]
imagePullSecrets:
secretKeyRef: {name: db, key: password}
      secretKeyRef:
tokenExpirationSeconds: 3607
serviceAccountToken:
automountServiceAccountToken: false
automountServiceAccountToken: true
DB_PASSWORD:  <set to the key 'password' in secret 'checkout-db'>  Optional: false
API_TOKEN:    <set to the key 'token' in secret 'api'>             Optional: true
Type:        Secret (a volume populated by a Secret)
Mounts: /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x7k2p (ro)
token file: /var/run/secrets/kubernetes.io/serviceaccount/token
token: /var/run/secrets/kubernetes.io/serviceaccount/token
token=/var/run/secrets/tokens/vault
password_file=/run/secrets/db_password
PASSWORD_FILE=/run/secrets/db
tokenPath: /etc/token
credentialsFile: /etc/gcp/key.json
GOOGLE_APPLICATION_CREDENTIALS=/etc/gcp/key.json
open /run/secrets/db_password: no such file or directory
open /etc/tls/private.key: permission denied
x509: certificate signed by unknown authority
x509: certificate has expired or is not yet valid: current time 2026-01-02T03:04:05Z is after 2025-12-31T23:59:59Z
tls: private key does not match public key
tls: failed to find any PEM data in key input
error: no private key found
used 512 tokens: 4096 of max_tokens=8192
max_tokens=8192 prompt_tokens=512 completion_tokens=77 total_tokens=589
tokens: 4096
tokens_used: 77
token count: 77
rate limit: 3 tokens left
pass: 12 fail: 3
tests passed: 12, failed: 3
passed=12 failed=0
secrets: 3
cookies: 0
session expired, please sign in again
session: not found
cookie: missing
csrf token: mismatch
CSRF token missing or incorrect.
JWT: expired
jwt: audience is invalid
jwt: malformed
JWT validation failed: kid not found
signature: mismatch
signature: does not match
the request signature we calculated does not match the signature you provided
SignatureDoesNotMatch: the request signature we calculated does not match
InvalidAccessKeyId: the key id does not exist in our records
ExpiredToken: the security token included in the request is expired
UnrecognizedClientException: The security token included in the request is invalid.
InvalidClientTokenId: The security token included in the request is invalid
AccessDenied: User: arn:aws:iam::123456789012:user/app is not authorized to perform: sts:AssumeRole
NoCredentialProviders: no valid providers in chain. Deprecated.
could not load credentials from any providers
google: could not find default credentials
error: You must be logged in to the server (Unauthorized)
Error from server (Forbidden): secrets is forbidden: User "system:serviceaccount:shop:web" cannot list resource "secrets" in API group ""
secrets "db" is forbidden: User "alice" cannot get resource "secrets" in API group "" in the namespace "shop"
permission denied on path secret/data/shop/db
Code: 403. Errors: * permission denied
Vault is sealed
error reading secret: connection reset by peer
failed to sync secret cache: timed out waiting for the condition
failed to renew token: lease is not renewable
token renewal: disabled
token rotation: enabled
password policy: minimum length is 12
password: must be at least 12 characters
password: cannot be empty
Password: field required
"password": "is required"
{"password":"required","token":"invalid"}
{"error":"invalid_token","error_description":"The access token expired"}
{"error":"invalid_grant","error_description":"Token has been expired or revoked."}
{"error":"invalid_client","token_type":"Bearer"}
{"token_type":"Bearer","expires_in":3600}
WWW-Authenticate: Bearer realm="https://auth.docker.io/token",service="registry.docker.io"
Www-Authenticate: Basic realm="registry"
Authorization: missing
authorization: failed
authorization mode: RBAC
Authorization header: not found
Authentication failed: no Authorization header
unexpected token < in JSON at position 0
SyntaxError: Unexpected token '}' at position 12
Unexpected token: punc (})
syntax error near unexpected token \`newline'
parse error: unexpected token: IDENT
error: unknown token type: EOF
tokenizer: unknown word
secretary=alice
passenger: bob
compass=north
bypass-cache: true
monkey: capuchin
author: alice
keyboard: us
keypath: spec.tokens
Normal  Pulled  5m  kubelet  Container image "shop/web:1.2.3" already present on machine
FATAL: DATABASE_URL is not set
panic: DB_PASSWORD is not set
Error: environment variable API_TOKEN is required
required environment variable "JWT_SECRET" is missing
environment variable SECRET_KEY_BASE not set
missing fields: ["password","token"]
missing required parameters: password, token
registry.example.com/shop/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
containerd://8d1f0e6a35c1d9d1f2f5a7b0c9e8d7c6b5a4938271605f4e3d2c1b0a99887766
sha256:8d1f0e6a35c1d9d1f2f5a7b0c9e8d7c6b5a4938271605f4e3d2c1b0a99887766
pod checkout-7d9f8b6c5d-x2x4z uid 0b6f2f0a-31a5-4b3c-9f52-6f5d3d1f2a11
trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7
traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
commit 8f3c1d2e9b7a6f5e4d3c2b1a0f9e8d7c6b5a4f3e
request-id: 0b6f2f0a-31a5-4b3c-9f52-6f5d3d1f2a11
resourceVersion: "184467440"
controller-uid=0b6f2f0a-31a5-4b3c-9f52-6f5d3d1f2a11
pod-template-hash=7d9f8b6c5d
GET http://payments.billing.svc:8080/v1/charge?id=77 200 18 ms
GET https://api.example.com:443/users/@me 404
GET https://registry.npmjs.org/@types/node 200
http://proxy:3128/path?email=a@b.example
https://alice@example.com/git/shop.git
ssh://git@github.com/shop/web.git
git@github.com:shop/web.git
postgres://app@db:5432/shop
redis://cache:6379/0
mongodb://db-0.db:27017,db-1.db:27017/shop?replicaSet=rs0
amqp://mq.shop.svc:5672
jdbc:postgresql://db.shop.svc:5432/shop?sslmode=require
mail from alice@example.com to bob@example.com: delivered
at openDatabase (/app/src/database.js:18:11)
at com.example.auth.TokenService.refreshAccessToken(TokenService.java:118)
at org.springframework.security.web.authentication.UsernamePasswordAuthenticationFilter.doFilter(UsernamePasswordAuthenticationFilter.java:73)
java.lang.IllegalStateException: Token refresh failed
goroutine 118 [running]: main.(*TokenSource).Token(0xc0000b4000)
File "/app/auth/token.py", line 18, in refresh_token
TypeError: Cannot read properties of undefined (reading 'accessToken')
KeyError: 'API_TOKEN'
0/3 nodes are available: 3 Insufficient memory. preemption: 0/3 nodes are available
path /var/lib/kubelet/pods/0b6f2f0a-31a5-4b3c-9f52/volumes/kubernetes.io~projected/kube-api-access
Liveness probe failed: HTTP probe failed with statuscode: 401
Readiness probe failed: Get "http://10.1.2.3:8080/ready": dial tcp 10.1.2.3:8080: connect: connection refused
OOMKilled: container "web" used 512Mi of 512Mi
Back-off restarting failed container web in pod checkout-7d9f8b6c5d-x2x4z_shop
level=info msg="token refreshed" expires_in=3600s
level=warn msg="password will expire" days=3
level=error msg="secret not found" name=checkout-db namespace=shop
level=error component=token-service err="context deadline exceeded"
ts=2026-01-02T03:04:05Z caller=token.go:118 level=error err="refresh failed"
I0102 03:04:05.000000 1 secret.go:42] Caches populated for *v1.Secret
E0102 03:04:05.000000 1 reflector.go:138] Failed to watch *v1.Secret: secrets is forbidden
the new password takes effect after a restart
please check the token and try again
Try: kubectl create secret generic checkout-db --from-literal=url=postgres://db/shop
kubectl get secret checkout-db -n shop -o yaml
kubectl create token default --duration 10m
docker run -p 8080:80 shop/web:1.2.3
docker login registry.example.com
ssh -p 2222 root@10.1.2.3
mysql -h db -P 3306 -u app -p shop
curl -u admin http://x/health
Warning  FailedMount  MountVolume.SetUp failed for volume "secrets-store" : rpc error: code = Unknown desc = failed to mount secrets store objects
level=error msg="failed to get secret" secret=checkout-db namespace=shop error="not found"
could not find secret checkout-db in namespace shop
reconcile error: ExternalSecret shop/db: SecretSyncedError: could not get secret data from provider
token request failed: Post "https://sts.example.com/token": dial tcp 10.0.0.1:443: i/o timeout
Error: Unauthorized: token lifetime exceeded
401 Client Error: Unauthorized for url: https://api.example.com/v1/token
Exception: Login failed: password has expired and must be changed
ORA-28001: the password has expired
ORA-01017: invalid username/password; logon denied
SASL authentication failed: password mismatch
SCRAM authentication failed, invalid credentials
AuthenticationException: bad credentials
Caused by: javax.naming.AuthenticationException: [LDAP: error code 49 - Invalid Credentials]
kafka: client has run out of available brokers: SASL: authentication failed
authentication: token review failed: serviceaccounts is forbidden
TokenReview: the server could not find the requested resource
failed to create token: context canceled
oidc: token issued by a different provider, expected "https://a" got "https://b"
oidc: expected audience "kubernetes" got ["vault"]
jwt signature verification failed: crypto/rsa: verification error
secret version: 3
secret type: kubernetes.io/tls
Secret type: Opaque
token ttl: 1h
token TTL: 32d
token-ttl: 24h0m0s
session timeout: 30m
sessionAffinity: ClientIP
cookie name: sid
cookie domain: example.com
credentials provider: default chain
password hash algorithm: bcrypt
secret engine: kv-v2
token endpoint: https://auth.example.com/token
token_url: https://auth.example.com/token
serviceAccountName: token-refresher
- name: vault-token
  name: api-token
    secret:
      secretName: db
  - secretRef:
      name: checkout-env
volumeMounts: /etc/secrets from secrets (ro)
metadata: {name: token-cleaner, uid: 0b6f2f0a-31a5-4b3c-9f52-6f5d3d1f2a11}
Readiness probe failed: password file missing
Created container token-refresher
Started container secrets-init
Pulling image "vault:1.15.2"
Successfully assigned shop/secret-sync-28391040-x2x4z to node-1
pod/password-reset-7d9f8b6c5d-x2x4z
deployment.apps/token-service scaled to 3
configmap/credentials-template created
secret/checkout-db created
SecretRotation succeeded: 3 secrets rotated
access_token expires_in: 3599
expires: Thu, 01 Jan 2026 00:00:00 GMT
etag: "5d8c72a5edda8"
ETag: W/"33a64df551425fcc55e4d42a148795d9f25f89d4"
x-request-id: 7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4
build 20260102.3 commit 8f3c1d2
go1.25.1 linux/amd64
node_modules/jsonwebtoken/verify.js:89:21
at async TokenManager.refresh (file:///app/dist/token-manager.js:44:11)
at /usr/src/app/node_modules/passport/lib/middleware/authenticate.js:201:10
java.util.concurrent.ThreadPoolExecutor$Worker.run(ThreadPoolExecutor.java:628)
com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'foo': was expecting (JSON String, Number)
Caused by: io.jsonwebtoken.ExpiredJwtException: JWT expired at 2026-01-02T03:04:05Z. Current time: 2026-01-02T04:04:05Z
key=value pairs are ignored
hash: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
image digest: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
the key is too short: 16 bytes
exit code: 137
code=Unavailable desc="connection refused"
status_code=503 code=ECONNREFUSED
nonce: too low
author=dependabot
`
  .split('\n')
  .filter((line) => line !== '');
