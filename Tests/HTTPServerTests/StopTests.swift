import Glibc
import TestSupport
import Testing

/// The server is stopped while it is busy.
@Suite(.serialized) struct StopTests {
  @Test(arguments: ["1", "3"])
  func `requests in flight are finished, idle connections closed`(threads: String) throws {
    let directory = try ScratchDirectory()
    let bytes = variedBytes(6_000_000)
    try directory.write("big", bytes)
    let server = try TestServer(directory.path, "--threads", threads, "--stop-timeout", "100")
    let idle = try Client(server)
    #expect(try idle.get("/none").status == 404)
    let half = try Client(server)
    try half.send("GET /none HTTP/1.1\r\nHo")
    // So that it is known to have arrived: another one on the same connection is not possible, but
    // the answer to a request before it is.
    let half2 = try Client(server)
    try half2.send("GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHo")
    #expect(try half2.readResponse().status == 404)
    let busy = try Client(server, receiveBuffer: 131_072)
    try busy.send("GET /big HTTP/1.1\r\nHost: a\r\n\r\nGET /big HTTP/1.1\r\nHost: a\r\n\r\n")
    waitUntil { busy.canRead }

    server.send(SIGTERM)
    #expect(try idle.readToEnd() == [])
    // Who is in the middle of a request may end it, and learns that it was the last.
    try half2.send("st: a\r\n\r\n")
    let last = try half2.readResponse()
    #expect(last.status == 404)
    #expect(last.fields["connection"] == "close")
    half2.close()
    half.close()
    let response = try busy.readResponse()
    #expect(response.body == bytes)
    busy.close()
    let result = try server.finish()
    #expect(result.end == .exit(0))
    #expect(result.errors == "")
    #expect(throws: (any Error).self) { try Client(server) }
  }

  @Test func `a request that came before the signal is answered`() throws {
    for _ in 0..<20 {
      let server = try TestServer()
      let client = try Client(server)
      try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      server.send(SIGINT)
      #expect(try client.readResponse().status == 200)
      client.close()
      #expect(try server.finish().end == .exit(0))
    }
  }

  @Test func `it gives up on those who are too slow`() throws {
    let directory = try ScratchDirectory()
    try directory.write("index.html", variedBytes(20_000_000))
    let server = try TestServer(directory.path, "--stop-timeout", "1")
    let lazy = try Client(server, receiveBuffer: 131_072)
    try lazy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    waitUntil { lazy.canRead }
    let result = try server.stop()
    #expect(result.end == .exit(0))
    #expect(result.errors == "http-server: gave up on connections that were busy: 1\n")
  }

  @Test func `a second signal ends it at once`() throws {
    let server = try TestServer("--stop-timeout", "86400")
    let idle = try Client(server)
    #expect(try idle.get("/").status == 200)
    let half = try Client(server)
    try half.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET")
    #expect(try half.readResponse().status == 200)
    server.send(SIGINT)
    // When the idle one is closed, the first signal has been seen.
    #expect(try idle.readToEnd() == [])
    server.send(SIGINT)
    #expect(try server.finish().end == .signal(SIGINT))
  }
}
