/** Authentication and authorization by the cluster's API server. Source: Kubernetes documentation, "Configure the Aggregation Layer". */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}
export interface Question {
  readonly verb: string;
  readonly path: string;
  /** Of requests for resources. */
  readonly resource?: { readonly group: string; readonly version: string; readonly resource: string; readonly subresource: string; readonly namespace: string; readonly name: string };
}
interface Settings {
  readonly proxyCas: readonly X509Certificate[];
  readonly proxyCaPem: string;
  readonly allowedNames: readonly string[];
  readonly username: readonly string[];
  readonly group: readonly string[];
  readonly extraPrefix: readonly string[];
}

export class Delegated {
  readonly #server: URL;
  readonly #ca: Buffer;
  readonly #tokenFile: string;
  #settings: Settings | undefined;

  constructor({ server, caFile, tokenFile }: { readonly server: string; readonly caFile: string; readonly tokenFile: string }) {
    this.#server = new URL(server);
    this.#ca = readFileSync(caFile);
    this.#tokenFile = tokenFile;
  }

  /** Reads how the front proxy is known; resolves with the authority of its certificate. */
  async start(): Promise<string> {
    const { data } = await this.#ask('GET', '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication') as { readonly data: Readonly<Record<string, string>> };
    const names = (key: string): readonly string[] => JSON.parse(data[key] ?? '[]') as string[];
    const proxyCaPem = data['requestheader-client-ca-file'] ?? '';
    this.#settings = {
      proxyCaPem, proxyCas: [...proxyCaPem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([pem]) => new X509Certificate(pem)),
      allowedNames: names('requestheader-allowed-names'), username: names('requestheader-username-headers'), group: names('requestheader-group-headers'), extraPrefix: names('requestheader-extra-headers-prefix'),
    };
    return proxyCaPem;
  }

  /** Undefined: nobody knows. */
  async userOf(request: IncomingMessage): Promise<User | undefined> {
    const settings = this.#settings;
    if (settings === undefined) return undefined;
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
    const commonName = /^CN=(.*)$/m.exec(certificate?.subject ?? '')?.[1] ?? '';
    const isProxy = certificate !== undefined && settings.proxyCas.some((ca) => certificate.verify(ca.publicKey)) && (settings.allowedNames.length === 0 || settings.allowedNames.includes(commonName));
    const name = first(request, settings.username);
    if (isProxy && name !== undefined) return { name, groups: all(request, settings.group), extra: extraOf(request, settings.extraPrefix) };
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return undefined;
    const { status } = await this.#ask('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }) as {
      readonly status: { readonly authenticated?: boolean; readonly user?: { readonly username: string; readonly groups?: readonly string[] } };
    };
    return status.authenticated === true && status.user !== undefined ? { name: status.user.username, groups: status.user.groups ?? [] } : undefined;
  }

  async isAllowed({ name, uid, groups, extra }: User, { verb, path, resource }: Question): Promise<boolean> {
    if (groups.includes('system:masters')) return true;
    const spec = { user: name, uid, groups, extra, ...(resource === undefined ? { nonResourceAttributes: { verb, path } } : { resourceAttributes: { verb, ...resource } }) };
    const { status } = await this.#ask('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec }) as { readonly status: { readonly allowed: boolean } };
    return status.allowed;
  }

  async #ask(method: string, path: string, body?: object): Promise<object> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = https.request(new URL(path, this.#server), {
        method, ca: this.#ca, headers: { authorization: `Bearer ${readFileSync(this.#tokenFile, 'utf8').trim()}`, ...(text !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }) },
      }, resolve);
      request.on('error', reject);
      request.end(text);
    });
    const answer = Buffer.concat(await response.toArray() as Buffer[]).toString();
    if ((response.statusCode ?? 500) >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${answer}`);
    return JSON.parse(answer) as object;
  }
}

function first(request: IncomingMessage, names: readonly string[]): string | undefined {
  return names.flatMap((name) => request.headers[name.toLowerCase()] ?? []).find((value) => value !== '');
}
function all(request: IncomingMessage, names: readonly string[]): readonly string[] {
  return names.flatMap((name) => request.headersDistinct[name.toLowerCase()] ?? []).flatMap((value) => value.split(', '));
}
function extraOf(request: IncomingMessage, prefixes: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  for (const [name, values = []] of Object.entries(request.headersDistinct)) {
    const prefix = prefixes.find((each) => name.startsWith(each.toLowerCase()));
    if (prefix !== undefined) found[decodeURIComponent(name.slice(prefix.length))] = values;
  }
  return found;
}
