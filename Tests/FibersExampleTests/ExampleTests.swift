import Fibers
import Glibc
import Testing

/// Runs the built examples as a user does and compares what they print.
@Suite("Examples of Fibers")
struct ExampleTests {
  /// Two counters from 0 to 10, a turn each.
  private static let counters = (0...10).map { "counter 1: \($0)\ncounter 2: \($0)\n" }.joined()

  @Test("counter-async: two counters, interleaved as in the C original")
  func counterAsync() throws {
    let run = try run("counter-async")
    #expect(run.code == 0)
    #expect(run.output == Self.counters)
  }

  @Test("custom-runtime: the same on a runtime of its own")
  func customRuntime() throws {
    let run = try run("custom-runtime")
    #expect(run.code == 0)
    #expect(run.output.hasPrefix(Self.counters + "all finished: true\n"))
  }

  @Test("await-basic: a result and an error")
  func awaitBasic() throws {
    let run = try run("await-basic")
    #expect(run.code == 0)
    #expect(run.output.contains("child returned 144\n"))
    #expect(run.output.contains("child failed, 4096 is too large\n"))
  }

  @Test("million-fibers: a small number of them", arguments: [1, 500])
  func millionFibers(count: Int) throws {
    let run = try run("million-fibers", "\(count)")
    #expect(run.code == 0, "\(run.output)")
  }

  @Test("million-fibers refuses what it does not understand")
  func wrongArguments() throws {
    #expect(try run("million-fibers", "nonsense").code != 0)
  }

  @Test("channel-basic: everything sent is received, then the end")
  func channelBasic() throws {
    let run = try run("channel-basic")
    #expect(run.code == 0)
    for number in 1...5 { #expect(run.output.contains("received \(number)\n")) }
    #expect(run.output.hasSuffix("the channel is drained\n"))
  }

  @Test("pipeline: nothing lost on one runtime and over two threads; deadline, cancellation")
  func pipeline() throws {
    let run = try run("pipeline", "20000 3")
    #expect(run.code == 0)
    #expect(run.output.contains("two threads, 3 workers: 20000 messages"))
    #expect(run.output.contains("the deadline of 20 ms ended an endless pipeline\n"))
    #expect(run.output.contains("a cancellation ended another one; fibers left: 0\n"))
    #expect(try self.run("pipeline", "0").code == 2)
  }

  @Test("io-pipe: each word is read when it is written")
  func ioPipe() throws {
    let run = try run("io-pipe")
    #expect(run.code == 0)
    let words = ["one", "two", "three"]
    let expected = words.map { "writer: \($0)\nreader: \($0)\n" }.joined()
    #expect(run.output.hasPrefix(expected))
    #expect(run.output.hasSuffix("reader: the end\n"))
  }

  @Test("echo-server refuses what it does not understand")
  func echoServerArguments() throws {
    #expect(try run("echo-server", "nonsense").code == 2)
  }

  @Test("echo-server: many clients, each gets back what it sent; SIGINT stops it")
  func echoServer() throws {
    let server = try Server(productsDirectory() + "/echo-server")
    let runtime = try FiberRuntime()
    for client in 0..<20 {
      try runtime.spawn(name: "client \(client)") {
        let connection = try server.connect()
        for round in 0..<10 {
          let sent = [UInt8](repeating: UInt8(client * 10 + round), count: 1000)
          try connection.writeAll(sent)
          var received = [UInt8](repeating: 0, count: sent.count)
          let count = try connection.readAll(into: &received)
          #expect(count == sent.count && received == sent)
        }
      }
    }
    try runtime.run()
    #expect(server.stop() == 0)
  }

  @Test("chat: what one says in a room, all in the room read; other rooms do not")
  func chat() throws {
    let server = try Server(productsDirectory() + "/chat")
    let runtime = try FiberRuntime()
    let fiber = try runtime.spawn {
      let ann = try server.connect()
      let ben = try server.connect()
      func say(_ text: String, _ client: borrowing IOHandle) throws {
        try client.writeAll(Array((text + "\n").utf8))
      }
      struct Closed: Error { let after: String }
      // Reads until `text` has come; what came before it is returned too.
      func read(_ text: String, _ client: borrowing IOHandle) throws -> String {
        var all = ""
        var bytes = [UInt8](repeating: 0, count: 512)
        while !all.contains(text) {
          let count = try client.read(into: &bytes)
          if count == 0 { throw Closed(after: all) }
          all += String(decoding: bytes[..<count], as: UTF8.self)
        }
        return all
      }
      _ = try read("your name?", ann)
      try say("Ann", ann)
      _ = try read("* Ann is in lobby", ann)
      try say("Ben", ben)
      _ = try read("* Ben is in lobby", ann)
      try say("hello", ben)
      _ = try read("<Ben> hello", ann)
      _ = try read("<Ben> hello", ben)
      try say("/join tea", ben)
      _ = try read("* Ben has left lobby", ann)
      try say("secret", ben)
      _ = try read("<Ben> secret", ben)
      try say("anybody?", ann)
      let heard = try read("<Ann> anybody?", ann)
      #expect(!heard.contains("secret"))
      try say("/quit", ann)
      var rest = [UInt8](repeating: 0, count: 512)
      while try ann.read(into: &rest) > 0 {}
    }
    try fiber.join()
    #expect(server.stop() == 0)
  }

  /// Runs an executable from the directory of the test bundle.
  private func run(_ name: String, _ argument: String = "") throws -> (code: Int32, output: String)
  {
    let command = "timeout 60 '\(productsDirectory())/\(name)' \(argument) 2>/dev/null"
    let pipe = try #require(popen(command, "r"))
    var bytes: [UInt8] = []
    while case let byte = getc(pipe), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
    let status = pclose(pipe)
    let code = status & 0x7f == 0 ? status >> 8 : 128 + status & 0x7f
    return (code, String(decoding: bytes, as: UTF8.self))
  }

  /// Where this program, the test bundle, was built.
  private func productsDirectory() -> String {
    var path = [UInt8](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &path, path.count)
    let program = String(decoding: path.prefix(max(0, length)), as: UTF8.self)
    return String(program[..<(program.lastIndex(of: "/") ?? program.startIndex)])
  }
}
