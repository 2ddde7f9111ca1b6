import Testing
import http_server

@Suite struct PathTests {
  @Test(
    arguments: [
      ("/", ""), ("/a", "a"), ("/a/b.html", "a/b.html"), ("/a/", "a/"), ("//", ""), ("//a", "a"),
      ("/a//b", "a/b"), ("///etc/passwd", "etc/passwd"), ("/a?b/../c", "a"), ("/?", ""),
      ("/a?", "a"),
      ("/%41%2e%62", "A.b"), ("/a%20b", "a b"), ("/caf%C3%A9", "caf\u{e9}"), ("/%25", "%"),
      ("/%2541", "%41"), ("/%252e%252e", "%2e%2e"), ("/a%3Fb", "a?b"), ("/...", nil),
      ("/a...", "a..."), ("/a..b", "a..b"), ("/.well-known/a", ".well-known/a"),
      ("http://host", ""), ("http://host/a", "a"), ("HTTPS://host:80/a/b?c", "a/b"),
      ("http://host?a", ""), ("http://[::1]:8080/a", "a"), ("/http://host/a", "http:/host/a"),
    ] as [(String, String?)])
  func `targets that name a file`(target: String, path: String?) {
    #expect(RequestPath.resolve(Array(target.utf8)) == (path.map { .file($0) } ?? .hidden))
  }

  @Test(arguments: [
    "", "a", "*", "host:80", "/..", "/../", "/../a", "/a/..", "/a/../..", "/a/../b", "/.", "/./a",
    "/a/./b", "/%2e", "/%2e%2e", "/%2E%2e/etc", "/.%2e/a", "/%2e./a", "/a/%2e%2e/b", "/..;/a%00",
    "/a%00.html", "/%00", "/%0a", "/%0D", "/%1f", "/%7f", "/a%2fb", "/%2F", "/..%2f..%2fetc",
    "/%2e%2e%2fetc", "/..%5cetc", "/a\\b", "/%5C", "/\\..\\a", "/%", "/%4", "/%zz", "/%4g", "/%-1",
    "/%u0041", "/%c0%ae%c0%ae/", "/%c0%af", "/%ff", "/%ed%a0%80", "http://", "http://host\\a",
    "http:///a", "http://host/..", "http://host/%2e%2e", "ftp://host/a", "file:///etc/passwd",
  ])
  func `targets that name none`(target: String) {
    #expect(RequestPath.resolve(Array(target.utf8)) == .bad)
  }

  @Test(arguments: ["/.git/config", "/a/.htpasswd", "/.env", "/%2egit", "/..a", "/.well-knowns"])
  func `names that begin with a dot are hidden`(target: String) {
    #expect(RequestPath.resolve(Array(target.utf8)) == .hidden)
  }

  @Test(arguments: [
    ("index.html", "text/html; charset=utf-8"), ("a/b/photo.JPG", "image/jpeg"),
    ("a.tar.gz", "application/gzip"), ("app.js", "text/javascript; charset=utf-8"),
    ("pic.svg", "image/svg+xml"), ("noending", "application/octet-stream"),
    ("folder.d/noending", "application/octet-stream"), (".html", "application/octet-stream"),
    ("a.", "application/octet-stream"), ("a.unheard", "application/octet-stream"),
    ("", "application/octet-stream"), ("m.wasm", "application/wasm"),
  ])
  func `content types`(name: String, type: String) {
    #expect(ContentType.of(name) == type)
  }
}

@Suite struct DateTests {
  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
    (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (951_868_799, "Tue, 29 Feb 2000 23:59:59 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_735_689_599, "Tue, 31 Dec 2024 23:59:59 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
  ])
  func `known dates`(seconds: Int, text: String) {
    #expect(HTTPDate.format(seconds) == Array(text.utf8))
    #expect(Array(text.utf8).withUnsafeBytes { HTTPDate.parse($0) } == seconds)
  }

  @Test func `each day of 400 years is written and read`() {
    var previous = ""
    for day in 0..<146_097 {
      let seconds = day * 86400 + day % 86400
      let text = HTTPDate.format(seconds)
      #expect(text.withUnsafeBytes { HTTPDate.parse($0) } == seconds)
      let date = String(decoding: text.prefix(16), as: UTF8.self)
      #expect(date != previous)
      previous = date
    }
  }

  @Test(arguments: [
    "", "0", "Sun, 06 Nov 1994 08:49:37", "Mon, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT", "Thu, 30 Feb 1995 08:49:37 GMT",
    "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT",
    "Sunday, 06-Nov-94 08:49:37 GM", "Sun Nov  6 08:49:37 1994     ",
    "Mon, 01 Jan 0000 00:00:00 GMT", "Sun, 06 Nov 1994 08:49:37 EST",
  ])
  func `what is no date`(text: String) {
    #expect(Array(text.utf8).withUnsafeBytes { HTTPDate.parse($0) } == nil)
  }

  @Test func `what cannot be written is clamped`() {
    #expect(HTTPDate.format(-1) == HTTPDate.format(0))
    #expect(HTTPDate.format(.max) == HTTPDate.format(253_402_300_799))
  }
}
