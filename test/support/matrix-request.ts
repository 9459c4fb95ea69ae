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
