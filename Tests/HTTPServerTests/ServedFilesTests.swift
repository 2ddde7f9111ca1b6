import Glibc
import TestSupport
import Testing

/// The files of a folder, and nothing else.
@Suite(.serialized) struct ServedFilesTests {
  @Test(arguments: [0, 1, 8000, 8192, 8193, 131_072, 131_073, 3_000_001])
  func `files of all sizes arrive as they are`(size: Int) throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(size)
    try directory.write("file.png", bytes)
    let client = try Client(try TestServer(directory.path))
    for _ in 0..<2 {
      let response = try client.get("/file.png")
      #expect(response.status == 200)
      #expect(response.fields["content-type"] == "image/png")
      #expect(response.fields["content-length"] == "\(size)")
      #expect(response.body == bytes)
    }
  }

  @Test func `folders, names and links`() throws {
    let outside = try ScratchDirectory()
    try outside.write("secret", Array("secret".utf8))
    let directory = try ScratchDirectory()
    try directory.write("index.html", Array("root".utf8))
    mkdir(directory["folder"], 0o755)
    try directory.write("folder/index.html", Array("folder".utf8))
    try directory.write("folder/caf\u{e9} 1%.txt", Array("name".utf8))
    mkdir(directory["empty"], 0o755)
    mkdir(directory["strange"], 0o755)
    mkdir(directory["strange/index.html"], 0o755)
    try directory.write(".hidden", Array("secret".utf8))
    try directory.write("locked", Array("secret".utf8))
    symlink("folder/index.html", directory["inside"])
    symlink("folder", directory["insideFolder"])
    symlink(outside["secret"], directory["outside"])
    symlink(outside.path, directory["outsideFolder"])
    symlink("../..", directory["up"])
    symlink("loop", directory["loop"])
    symlink("/proc/self/environ", directory["environ"])
    mkfifo(directory["fifo"], 0o644)
    // A folder whose path begins with that of the root.
    let beside = directory.path + ".beside"
    mkdir(beside, 0o755)
    defer { rmdir(beside) }
    symlink(beside, directory["beside"])

    let client = try Client(try TestServer(directory.path))
    let found = [
      "/": "root", "/index.html": "root", "/folder/": "folder", "/folder//index.html": "folder",
      "/folder/caf%C3%A9%201%25.txt": "name", "/inside": "folder", "/insideFolder/": "folder",
      "//folder/": "folder", "/?a": "root", "/%69ndex.html": "root",
    ]
    for (target, text) in found {
      let response = try client.get(target)
      #expect(response.status == 200 && response.text == text, "\(target)")
    }
    let missing = [
      "/none", "/empty/", "/strange/", "/index.html/", "/index.html/a", "/.hidden", "/%2ehidden",
      "/outside", "/outsideFolder/", "/outsideFolder/secret", "/up/etc/passwd", "/up/", "/loop",
      "/environ", "/fifo", "/beside/", "/beside", "/\(String(repeating: "a", count: 300))",
      "/\(String(repeating: "a/", count: 2500))",
    ]
    for target in missing {
      let response = try client.get(target)
      #expect(response.status == 404, "\(target)")
      #expect(response.text == "404 Not Found\n")
    }
    for target in ["/../", "/folder/../../etc/passwd", "/%2e%2e/", "/a%2f..", "/%00", "/..%5c"] {
      #expect(try client.get(target).status == 400, "\(target)")
    }
    let redirects = [
      "/folder": "/folder/", "/folder?a=b": "/folder/?a=b", "//folder": "/folder/",
      "/insideFolder": "/insideFolder/", "/f%6flder": "/f%6flder/",
      "http://elsewhere/folder": "/folder/",
    ]
    for (target, location) in redirects {
      let response = try client.get(target)
      #expect(response.status == 301 && response.fields["location"] == location, "\(target)")
    }
  }

  @Test func `what has not changed is not sent`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", Array("text".utf8))
    let client = try Client(try TestServer(directory.path))
    let date = try #require(try client.get("/a").fields["last-modified"])
    func status(since date: String) throws -> (Int, Int) {
      try client.send("GET /a HTTP/1.1\r\nHost: a\r\nIf-Modified-Since: \(date)\r\n\r\n")
      let response = try client.readResponse()
      return (response.status, response.body.count)
    }
    #expect(try status(since: date) == (304, 0))
    #expect(try status(since: "Fri, 31 Dec 9999 23:59:59 GMT") == (304, 0))
    #expect(try status(since: "Sun, 06 Nov 1994 08:49:37 GMT") == (200, 4))
    #expect(try status(since: "yesterday") == (200, 4))
  }

  @Test func `a file that changes under its reader is not taken for whole`() throws {
    let directory = try ScratchDirectory()
    try directory.write("a", variedBytes(8_000_000))
    let client = try Client(try TestServer(directory.path), receiveBuffer: 131_072)
    try client.send("GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    // The server has begun, and waits for the client to read.
    waitUntil { client.canRead }
    truncate(directory["a"], 1000)
    let bytes = client.readToAnyEnd()
    #expect(bytes.count < 8_000_000)
  }

  @Test func `the root of the file system can be served`() throws {
    let client = try Client(try TestServer("/"))
    #expect(try client.get("/etc/passwd").text.contains("root:"))
  }
}
