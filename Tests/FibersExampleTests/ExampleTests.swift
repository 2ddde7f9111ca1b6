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
    #expect(try self.run("pipeline", "0").code != 0)
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
