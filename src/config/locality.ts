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

/** Addresses that lead to no single host of the internet (RFC 6890, 6052): this host, reserved ones, and groups. */
const NOWHERE = new BlockList();
NOWHERE.addSubnet("0.0.0.0", 8, "ipv4");
NOWHERE.addSubnet("192.0.0.0", 24, "ipv4");
NOWHERE.addSubnet("198.18.0.0", 15, "ipv4");
NOWHERE.addSubnet("224.0.0.0", 3, "ipv4");
NOWHERE.addAddress("::", "ipv6");
NOWHERE.addSubnet("64:ff9b::", 95, "ipv6");
// Translated into IPv4 by the own network, also into its private addresses (RFC 8215).
NOWHERE.addSubnet("64:ff9b:1::", 48, "ipv6");
NOWHERE.addSubnet("fec0::", 10, "ipv6");
NOWHERE.addSubnet("ff00::", 8, "ipv6");

/** Whether an IP address is in the own network, or leads to no host of the internet. */
export function isOwnAddress(address: string): boolean {
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  return isIP(address) === 0 || OWN.check(address, family) || NOWHERE.check(address, family);
}

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
