import { BlockList, isIP } from "node:net";
import type { Locality } from "./config.ts";

/**
 * Loopback, private and link-local addresses (RFC 1122, 1918, 3927, 4193, 4291), and the shared ones that VPNs use (RFC
 * 6598).
 */
const OWN = new BlockList();
OWN.addSubnet("127.0.0.0", 8, "ipv4");
OWN.addSubnet("10.0.0.0", 8, "ipv4");
OWN.addSubnet("172.16.0.0", 12, "ipv4");
OWN.addSubnet("192.168.0.0", 16, "ipv4");
OWN.addSubnet("169.254.0.0", 16, "ipv4");
OWN.addSubnet("100.64.0.0", 10, "ipv4");
OWN.addAddress("::1", "ipv6");
OWN.addSubnet("fc00::", 7, "ipv6");
OWN.addSubnet("fe80::", 10, "ipv6");

/**
 * Whether data for an address stays in the admin's own network, judged by the address alone. A name may lead anywhere:
 * except `localhost` it counts as cloud, unless the admin says otherwise.
 */
export function localityOf(url: string): Locality {
  const { hostname } = new URL(url.includes("://") ? url : `http://${url}`);
  const host = hostname.replace(/^\[|\]$/g, "");
  if (/^([^.]+\.)*localhost\.?$/i.test(host)) return "local";
  const family = isIP(host);
  if (family === 0) return "cloud";
  return OWN.check(host, family === 4 ? "ipv4" : "ipv6") ? "local" : "cloud";
}
