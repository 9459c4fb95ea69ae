/** A homeserver refused a request. */
export class MatrixRequestError extends Error {
  override readonly name = "MatrixRequestError";
  readonly status: number;
  readonly errcode: string | undefined;

  constructor(request: string, status: number, body: { errcode?: string; error?: string }) {
    super(`${request}: ${status} ${body.errcode ?? ""} ${body.error ?? ""}`);
    this.status = status;
    this.errcode = body.errcode;
  }
}

/** Client-server API calls with an access token; `path` from after `/_matrix/client`. */
export function requestAs(url: string, accessToken: string) {
  return async function request<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${url}/_matrix/client${path}`, {
      method,
      headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const parsed = (await answer.json()) as T & { errcode?: string; error?: string };
    if (!answer.ok) throw new MatrixRequestError(`${method} ${path}`, answer.status, parsed);
    return parsed;
  };
}

/** Uploads media with an access token; resolves with its `mxc://` URI. */
export function uploadAs(url: string, accessToken: string) {
  return async function upload(bytes: Uint8Array, contentType: string): Promise<string> {
    const answer = await fetch(`${url}/_matrix/media/v3/upload`, {
      method: "POST",
      headers: { Authorization: `Bearer ${accessToken}`, "Content-Type": contentType },
      body: Buffer.from(bytes),
    });
    const parsed = (await answer.json()) as { content_uri: string; errcode?: string; error?: string };
    if (!answer.ok) throw new MatrixRequestError("POST upload", answer.status, parsed);
    return parsed.content_uri;
  };
}

/** Downloads media with an access token, by its `mxc://` URI, as it is on the server. */
export function downloadAs(url: string, accessToken: string) {
  return async function download(uri: string): Promise<Uint8Array> {
    const answer = await fetch(`${url}/_matrix/client/v1/media/download/${uri.replace("mxc://", "")}`, {
      headers: { Authorization: `Bearer ${accessToken}` },
    });
    if (!answer.ok) throw new MatrixRequestError(`GET ${uri}`, answer.status, {});
    return new Uint8Array(await answer.arrayBuffer());
  };
}
