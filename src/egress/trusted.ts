import { getCACertificates } from "node:tls";

/**
 * The setting of a TLS connection for certificates (PEM) that are trusted beside the usual ones, which are Node's, those of
 * NODE_EXTRA_CA_CERTS, and the system's where Node is told to use them.
 */
export function trusting(ca: string | undefined): { readonly ca?: string[] } {
  return ca === undefined ? {} : { ca: [...getCACertificates("default"), ca] };
}
