import { expect, test } from "bun:test";

import * as fc from "fast-check";

import { addressKey, parseAddress } from "#runtime/egress/address.ts";
import { classify } from "#runtime/egress/classify.ts";
import { parseTarget } from "#runtime/egress/target.ts";

const kindOf = (text: string): string => {
  const bytes = parseAddress(text);
  return bytes ? classify(bytes) : "unreadable";
};

test.each([
  ["8.8.8.8", "public"],
  ["1.1.1.1", "public"],
  ["11.0.0.0", "public"],
  ["100.63.255.255", "public"],
  ["100.128.0.0", "public"],
  ["172.15.255.255", "public"],
  ["172.32.0.0", "public"],
  ["192.0.1.0", "public"],
  ["198.17.255.255", "public"],
  ["198.20.0.0", "public"],
  ["223.255.255.255", "public"],
  ["2606:4700:4700::1111", "public"],
  ["2a00:1450:4001:80b::200e", "public"],
  ["0.0.0.0", "unspecified"],
  ["0.1.2.3", "reserved"],
  ["10.0.0.0", "private"],
  ["10.255.255.255", "private"],
  ["100.64.0.0", "private"],
  ["100.127.255.255", "private"],
  ["100.100.100.200", "metadata"],
  ["127.0.0.1", "loopback"],
  ["127.255.255.254", "loopback"],
  ["168.63.129.16", "metadata"],
  ["169.254.169.254", "metadata"],
  ["169.254.170.2", "metadata"],
  ["169.254.0.1", "linkLocal"],
  ["172.16.0.0", "private"],
  ["172.31.255.255", "private"],
  ["192.0.0.1", "reserved"],
  ["192.0.0.192", "metadata"],
  ["192.0.2.1", "documentation"],
  ["192.88.99.1", "reserved"],
  ["192.168.0.1", "private"],
  ["198.18.0.1", "private"],
  ["198.19.255.255", "private"],
  ["198.51.100.7", "documentation"],
  ["203.0.113.7", "documentation"],
  ["224.0.0.1", "multicast"],
  ["239.255.255.255", "multicast"],
  ["240.0.0.1", "reserved"],
  ["255.255.255.255", "reserved"],
  ["::", "unspecified"],
  ["::1", "loopback"],
  ["::2", "reserved"],
  ["::127.0.0.1", "reserved"],
  ["::ffff:127.0.0.1", "loopback"],
  ["::ffff:7f00:1", "loopback"],
  ["::ffff:a9fe:a9fe", "metadata"],
  ["::ffff:169.254.169.254", "metadata"],
  ["::ffff:8.8.8.8", "public"],
  ["::ffff:0:127.0.0.1", "reserved"],
  ["64:ff9b::10.0.0.1", "private"],
  ["64:ff9b::a9fe:a9fe", "metadata"],
  ["64:ff9b::8.8.8.8", "public"],
  ["64:ff9b:1::1", "private"],
  ["100::1", "reserved"],
  ["2001::1", "reserved"],
  ["2001:0:53aa:64c:0:3f:80ff:fffe", "reserved"],
  ["2001:1ff:ffff::", "reserved"],
  ["2001:200::", "public"],
  ["2001:db8::1", "documentation"],
  ["2002:7f00:1::", "loopback"],
  ["2002:a9fe:a9fe::1", "metadata"],
  ["2002:c0a8:101::", "private"],
  ["2002:808:808::", "public"],
  ["3fff::1", "documentation"],
  ["3fff:1000::1", "public"],
  ["4000::1", "reserved"],
  ["5f00::1", "reserved"],
  ["fc00::1", "private"],
  ["fd00:ec2::254", "metadata"],
  ["fdff::1", "private"],
  ["fe80::1", "linkLocal"],
  ["febf::1", "linkLocal"],
  ["fec0::1", "private"],
  ["ff02::1", "multicast"],
  ["fe80::1%eth0", "unreadable"],
  ["010.0.0.1", "unreadable"],
  ["0x7f.1", "unreadable"],
  ["127.1", "unreadable"],
  ["2130706433", "unreadable"],
  ["256.0.0.1", "unreadable"],
  ["1.2.3.4.5", "unreadable"],
  ["1:2:3:4:5:6:7:8:9", "unreadable"],
  ["1:2:3:4:5:6:7", "unreadable"],
  ["1:2:3:4:5:6:7::8", "unreadable"],
  ["::1::", "unreadable"],
  ["::g", "unreadable"],
  ["1.2.3.4::", "unreadable"],
  ["", "unreadable"],
])("SSRF: %s is %s", (text, kind) => {
  expect(kindOf(text)).toBe(kind);
});

/** Forms of loopback and metadata that a URL can hide: what the parser makes of them is what is judged. */
test.each([
  ["http://0x7f.1/", "loopback"],
  ["http://0x7f000001/", "loopback"],
  ["http://2130706433/", "loopback"],
  ["http://0177.0.0.1/", "loopback"],
  ["http://127.1/", "loopback"],
  ["http://①②⑦.0.0.1/", "loopback"],
  ["http://127。0。0。1/", "loopback"],
  ["http://0/", "unspecified"],
  ["http://[::]/", "unspecified"],
  ["http://[0:0:0:0:0:ffff:127.0.0.1]/", "loopback"],
  ["http://[::ffff:a9fe:a9fe]/", "metadata"],
  ["http://2852039166/", "metadata"],
  ["http://0xA9.0xFE.0xA9.0xFE/", "metadata"],
  ["http://[fd00:ec2::254]/", "metadata"],
  ["http://3232235777/", "private"],
])("SSRF: the host of %s is %s", (url, kind) => {
  const { host, isAddress } = parseTarget(url);
  expect([isAddress, kindOf(host)]).toEqual([true, kind]);
});

test.each([
  "ftp://example.com/",
  "file:///etc/passwd",
  "gopher://127.0.0.1/",
  "data:text/plain,x",
  "http://user:secret@example.com/",
  "http://user@example.com/",
  "http://exa mple.com/",
  "http://example.com:99999/",
  "http://[::1%25lo]/",
  "http://a..b/",
  "http://-a.example/",
  "http://ex%00ample.com/",
  "http://a,b.example/",
  "http://",
  "",
  "/path",
])("SSRF: %j is no address to ask", (url) => {
  expect(() => parseTarget(url)).toThrow("Cannot fetch");
});

test("an address of IPv6 is read as the URL parser writes it", () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const host = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
      const bytes = parseAddress(text);
      if (!bytes) throw new Error(`unreadable: ${text}`);
      // The URL parser refuses some with many groups beside `::` and dots.
      if (host === undefined) return;
      expect(addressKey(parseAddress(host) ?? new Uint8Array())).toBe(addressKey(bytes));
    }),
  );
});

test("an address of IPv4 is what it is also inside of IPv6", () => {
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const four = kindOf(text);
      expect(kindOf(`::ffff:${text}`)).toBe(four);
      expect(kindOf(`64:ff9b::${text}`)).toBe(four);
      const [a = 0, b = 0, c = 0, d = 0] = text.split(".").map(Number);
      const hex = [a * 256 + b, c * 256 + d].map((group) => group.toString(16)).join(":");
      expect(kindOf(`2002:${hex}::1`)).toBe(four);
      expect(addressKey(parseAddress(`::ffff:${hex}`) ?? new Uint8Array())).toBe(
        addressKey(parseAddress(text) ?? new Uint8Array()),
      );
    }),
  );
});

test("no text makes the parser throw", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const bytes = parseAddress(text);
      if (bytes) expect([4, 16]).toContain(bytes.length);
    }),
  );
});
