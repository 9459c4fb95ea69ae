import type { RequestHandler } from "express";
import type { Address } from "./address.ts";

/** Everything comes from the page's own address, nothing stands in the HTML itself, and no other site may show it in a frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Sets what browsers must keep to; answers under foreign names are refused. */
export function securityHeaders(address: Address): RequestHandler {
  return (request, response, next) => {
    response.set({
      "Content-Security-Policy": POLICY,
      "X-Content-Type-Options": "nosniff",
      // Not `no-referrer`, with which browsers would hide the origin of our own forms from us.
      "Referrer-Policy": "same-origin",
      "Cross-Origin-Opener-Policy": "same-origin",
      "Cross-Origin-Resource-Policy": "same-origin",
      "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
      "Cache-Control": "no-store",
      ...(address.isSecure ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
    });
    if (address.hosts.has(request.headers.host?.toLowerCase() ?? "")) next();
    else response.status(421).type("text").send("This is not the address of this page; see web.url in config.yaml.\n");
  };
}

/** Whether a form comes from the page itself. Browsers name the origin of every form. */
export function isOwnForm(headers: { readonly origin?: string | undefined }, address: Address): boolean {
  return headers.origin !== undefined && address.origins.has(headers.origin);
}
